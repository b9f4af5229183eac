.LBB0_1:
	movi	v0.2d, #0000000000000000
	mov	x0, x1
	.p2align	5, , 16
.LBB3_9:
	ldp	q16, q17, [x18, #-16]
	ld1r	{ v18.4s }, [x0], x11
	fmla	v6.4s, v16.4s, v18.4s
	fmla	v7.4s, v17.4s, v18.4s
	ldr	s18, [x1, x25, lsl #2]
	fmla	v5.4s, v16.4s, v18.s[0]
	fmla	v4.4s, v17.4s, v18.s[0]
	ldr	s18, [x1, x12]
	fmla	v3.4s, v16.4s, v18.s[0]
	fmla	v2.4s, v17.4s, v18.s[0]
	ldr	s18, [x1, x10]
	fmla	v1.4s, v16.4s, v18.s[0]
	fmla	v0.4s, v17.4s, v18.s[0]
	add	x18, x18, #32
	sub	x17, x17, #1
	cmp	x17, #1
	mov	x1, x0
	b.hi	.LBB3_9
	b.ne	.LBB0_1
