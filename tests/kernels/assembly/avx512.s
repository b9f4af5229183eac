.LBB0_1:
	leaq	(%rax,%rsi,4), %rax
	movq	144(%rsp), %rsi
	.p2align	4
.LBB3_13:
	vbroadcastss	(%rax), %zmm30
	vmovups	-64(%rsi), %zmm28
	vmovups	(%rsi), %zmm29
	subq	$-128, %rsi
	decq	%rdx
	vfmadd231ps	%zmm28, %zmm30, %zmm0
	vfmadd231ps	%zmm30, %zmm29, %zmm1
	vbroadcastss	(%rax,%r13), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm2
	vfmadd231ps	%zmm30, %zmm29, %zmm3
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm4
	vfmadd231ps	%zmm30, %zmm29, %zmm5
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm6
	vfmadd231ps	%zmm30, %zmm29, %zmm7
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm8
	vfmadd231ps	%zmm30, %zmm29, %zmm9
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm10
	vfmadd231ps	%zmm30, %zmm29, %zmm11
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm12
	vfmadd231ps	%zmm30, %zmm29, %zmm13
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm14
	vfmadd231ps	%zmm30, %zmm29, %zmm15
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm16
	vfmadd231ps	%zmm30, %zmm29, %zmm17
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm18
	vfmadd231ps	%zmm30, %zmm29, %zmm19
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm20
	vfmadd231ps	%zmm30, %zmm29, %zmm21
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm22
	vfmadd231ps	%zmm30, %zmm29, %zmm23
	vbroadcastss	(%r13,%rax), %zmm30
	addq	%r13, %rax
	vbroadcastss	(%r13,%rax), %zmm31
	addq	%r12, %rax
	vfmadd231ps	%zmm28, %zmm30, %zmm24
	vfmadd231ps	%zmm30, %zmm29, %zmm25
	vfmadd231ps	%zmm28, %zmm31, %zmm27
	vfmadd231ps	%zmm29, %zmm31, %zmm26
	cmpq	$1, %rdx
	ja	.LBB3_13
	jne	.LBB0_1
