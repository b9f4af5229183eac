"""The published networks that the book counts: layer tables that give the published totals."""

from aisys_lab.core import Table
from aisys_lab.models import convnets, transformers

NETS = Table("NETS", "layer tables of published networks", noun="network")

NETS.define("resnet-50", convnets.resnet50())
NETS.define("mobilenet-v1", convnets.mobilenet_v1())
NETS.define("mobilenet-v2", convnets.mobilenet_v2())
NETS.define("squeezenet-1.0", convnets.squeezenet10())
NETS.define("squeezenet-1.1", convnets.squeezenet11())
NETS.define("shufflenet-v2", convnets.shufflenet_v2())
NETS.define("gpt2-small", transformers.gpt2())
NETS.define("bert-base", transformers.bert())
NETS.define("llama-2-7b", transformers.llama2())
NETS.define("llama-2-70b", transformers.llama2_70b())
