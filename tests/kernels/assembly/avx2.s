.LBB0_1:
	vxorps	%xmm1, %xmm1, %xmm1
	vxorps	%xmm0, %xmm0, %xmm0
	.p2align	4
.LBB3_12:
	vmovups	-32(%r15), %ymm13
	vmovups	(%r15), %ymm12
	vbroadcastss	(%rax), %ymm14
	vfmadd231ps	%ymm13, %ymm14, %ymm10
	vfmadd231ps	%ymm14, %ymm12, %ymm11
	vbroadcastss	(%rax,%r13), %ymm14
	addq	%r13, %rax
	vfmadd231ps	%ymm13, %ymm14, %ymm9
	vfmadd231ps	%ymm14, %ymm12, %ymm8
	vbroadcastss	(%r13,%rax), %ymm14
	addq	%r13, %rax
	vfmadd231ps	%ymm13, %ymm14, %ymm7
	vfmadd231ps	%ymm14, %ymm12, %ymm6
	vbroadcastss	(%r13,%rax), %ymm14
	addq	%r13, %rax
	vfmadd231ps	%ymm13, %ymm14, %ymm5
	vfmadd231ps	%ymm14, %ymm12, %ymm4
	vbroadcastss	(%r13,%rax), %ymm14
	addq	%r13, %rax
	vfmadd231ps	%ymm13, %ymm14, %ymm3
	vfmadd231ps	%ymm14, %ymm12, %ymm2
	vbroadcastss	(%r13,%rax), %ymm14
	vfmadd231ps	%ymm13, %ymm14, %ymm1
	vfmadd231ps	%ymm12, %ymm14, %ymm0
	addq	$64, %r15
	decq	%rdx
	addq	%r12, %rax
	cmpq	$1, %rdx
	ja	.LBB3_12
	jne	.LBB0_1
