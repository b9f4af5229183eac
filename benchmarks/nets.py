"""Training whole nets on real images: seconds an epoch, and the bytes kept for the way back."""

import tracemalloc

import aisys_lab as lab
from aisys_lab.autodiff.optim import Adam
from benchmarks.rows import one_thread, row
from benchmarks.twins import twin

BATCH = 64
MODELS = {"cnn-epoch": lab.models.CNN, "depthwise-epoch": lab.models.DepthwiseNet}


def images():
    """A batch of Fashion-MNIST, and how many such batches an epoch has."""
    train, _ = lab.datasets.fashion()
    return *train[:BATCH], len(train) // BATCH


def ours(make):
    """Our training step with Adam; it says what it keeps, and how many steps an epoch has."""
    def side():
        model, (x, y, steps) = make(), images()
        both, optimizer = lab.value_and_grad(model.loss), Adam()
        held = [model.params, optimizer.init(model.params)]

        def step():
            loss, grads = both(held[0], x, y)
            held[:] = optimizer.update(held[0], grads, held[1])
            return loss

        step.calls, step.extra = steps, {"kept_bytes": kept(model, x, y)}
        return step
    return side


def kept(model, x, y):
    """Bytes that live for the way back when the forward pass has ended, as tracemalloc counts."""
    forward = lambda: lab.vjp(lambda params: model.loss(params, x, y), model.params)  # noqa: E731
    forward()
    tracemalloc.start()
    run = forward()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del run
    return size


def theirs(make):
    """torch's step; it keeps what its saved_tensors_hooks are shown, each storage once, without
    the parameters and the batch."""
    def side():
        torch = one_thread()
        model, (x, y, steps) = make(), images()
        net, data, labels = twin(model, torch), torch.tensor(x), torch.tensor(y)
        optimizer = torch.optim.Adam(net.parameters())

        def forward():
            return torch.nn.functional.cross_entropy(net(data), labels)

        def step():
            optimizer.zero_grad()
            loss = forward()
            loss.backward()
            optimizer.step()
            return loss.detach()

        known = [*net.parameters(), *net.buffers(), data, labels]
        step.calls, step.extra = steps, {"kept_bytes": kept_by_torch(forward, known, torch)}
        return step
    return side


def kept_by_torch(forward, known, torch):
    """Bytes of the storages that torch saves while it runs forward."""
    seen = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = (storage.nbytes(), tensor)  # alive, so that no address is reused
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    there = {tensor.untyped_storage().data_ptr() for tensor in known}
    return sum(size for address, (size, _) in seen.items() if address not in there)


for _name, _make in MODELS.items():
    row(_name, "torch", ours(_make), bar=1.0)(theirs(_make))
