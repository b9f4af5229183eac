"""Four transformers as layer tables."""

from aisys_lab.ir.layers import layer
from aisys_lab.ir.network import Network
from aisys_lab.models.blocks import chain, cite, one, residual


def embeddings(width, tokens, **rows):
    """Tables looked up by token id and added: ``name=rows``."""
    tables = [layer("embedding", name, tokens, rows=count, out=width)
              for name, count in rows.items()]
    adds = [layer("add", f"{name}.add", (*tokens, width)) for name in list(rows)[1:]]
    return (*tables, *adds)


def mlp(name, width, wide, form="gelu"):
    """Up, activation, down, with biases."""
    return chain(one("linear", f"{name}.up", out=wide),
                 one("activation", f"{name}.act", form=form),
                 one("linear", f"{name}.down", out=width))


def gated_mlp(name, width, wide):
    """SwiGLU: silu(gate) times up, then down (Shazeer 2020, arXiv:2002.05202)."""

    def build(shape):
        inner = (*shape[:-1], wide)
        return (layer("linear", f"{name}.gate", shape, out=wide, bias=False),
                layer("activation", f"{name}.act", inner, form="silu"),
                layer("linear", f"{name}.up", shape, out=wide, bias=False),
                layer("mul", f"{name}.mul", inner),
                layer("linear", f"{name}.down", inner, out=width, bias=False))

    return build


def attention(name, heads, head_dim, kv_heads=None, bias=True):
    """Self-attention; fewer key and value heads than heads is grouped-query attention."""
    return one("attention", name, heads=heads, kv_heads=kv_heads or heads, head_dim=head_dim,
               bias=bias)


def pre_norm(name, form, *parts):
    """Each part reads the normed stream and is added to it (GPT-2, Llama)."""
    return chain(*[residual(f"{name}.add{i}", chain(one("norm", f"{name}.norm{i}", form=form),
                                                    part))
                   for i, part in enumerate(parts, 1)])


def post_norm(name, form, *parts):
    """Each part is added to the stream, and the sum is normed (the first transformer, BERT)."""
    return chain(*[chain(residual(f"{name}.add{i}", part),
                         one("norm", f"{name}.norm{i}", form=form))
                   for i, part in enumerate(parts, 1)])


def gpt2(seq=1024, width=768, depth=12, heads=12, vocabulary=50257, context=1024):
    """Radford, Wu, Child, Luan, Amodei, Sutskever, Language Models are Unsupervised Multitask
    Learners, OpenAI 2019."""
    stream = (1, seq, width)
    blocks = [pre_norm(f"block{i}", "layer", attention(f"block{i}.attention", heads,
                                                       width // heads),
                       mlp(f"block{i}.mlp", width, 4 * width)) for i in range(1, depth + 1)]
    body = chain(*blocks, one("norm", "norm", form="layer"),
                 one("linear", "head", out=vocabulary, bias=False, tied="token"))
    return Network("GPT-2 small", (*embeddings(width, (1, seq), token=vocabulary,
                                               position=context), *body(stream)), cite(gpt2))


def bert(seq=512, width=768, depth=12, heads=12, vocabulary=30522, context=512):
    """Devlin, Chang, Lee, Toutanova, BERT: Pre-training of Deep Bidirectional Transformers for
    Language Understanding, NAACL 2019."""
    blocks = [post_norm(f"block{i}", "layer", attention(f"block{i}.attention", heads,
                                                        width // heads),
                        mlp(f"block{i}.mlp", width, 4 * width)) for i in range(1, depth + 1)]
    body = chain(one("norm", "norm", form="layer"), *blocks)
    pooler = chain(one("linear", "pooler", out=width),  # reads the first token only
                   one("activation", "pooler.act", form="tanh"))
    return Network("BERT-base", (*embeddings(width, (1, seq), token=vocabulary, position=context,
                                             segment=2), *body((1, seq, width)),
                                 *pooler((1, width))), cite(bert))


def llama2(name="Llama-2-7B", width=4096, depth=32, heads=32, kv_heads=32, wide=11008, seq=4096,
           vocabulary=32000):
    """Touvron, Martin, Stone, et al., Llama 2: Open Foundation and Fine-Tuned Chat Models,
    arXiv:2307.09288, 2023."""
    blocks = [pre_norm(f"block{i}", "rms",
                       attention(f"block{i}.attention", heads, width // heads, kv_heads,
                                 bias=False),
                       gated_mlp(f"block{i}.mlp", width, wide)) for i in range(1, depth + 1)]
    body = chain(*blocks, one("norm", "norm", form="rms"),
                 one("linear", "head", out=vocabulary, bias=False))
    return Network(name, (*embeddings(width, (1, seq), token=vocabulary),
                          *body((1, seq, width))), cite(llama2))


def llama2_70b(seq=4096):
    """Llama 2 with 80 layers of 64 heads that share 8 key and value heads."""
    return llama2("Llama-2-70B", 8192, 80, 64, 8, 28672, seq)
