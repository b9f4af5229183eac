LBB0_1:
	movi.2d	v1, #0000000000000000
	movi.2d	v0, #0000000000000000
	mov	x1, x4
LBB3_10:
	ldp	q16, q17, [x0, #-16]
	ld1r.4s	{ v18 }, [x1], x11
	fmla.4s	v6, v16, v18
	fmla.4s	v7, v17, v18
	ldr	s18, [x4, x25, lsl #2]
	fmla.4s	v5, v16, v18[0]
	fmla.4s	v4, v17, v18[0]
	ldr	s18, [x4, x12]
	fmla.4s	v3, v16, v18[0]
	fmla.4s	v2, v17, v18[0]
	ldr	s18, [x4, x10]
	fmla.4s	v1, v16, v18[0]
	fmla.4s	v0, v17, v18[0]
	add	x0, x0, #32
	sub	x17, x17, #1
	mov	x4, x1
	cmp	x17, #1
	b.hi	LBB3_10
	b.ne	LBB0_1
