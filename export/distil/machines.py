"""Where a training runs: one CPU, one GPU, or what `torchrun` started; the rest of the code does not ask."""

import os
from typing import Literal

import torch
from lightning_fabric import Fabric

__all__ = ["fabric_here"]


def fabric_here(precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed") -> Fabric:
    """Launched Fabric. Under `torchrun` each process is one rank (NCCL on GPUs, gloo on CPUs); alone it is the only one."""
    cuda = torch.cuda.is_available()
    here, everywhere = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), int(os.environ.get("WORLD_SIZE", "1"))
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=here,
        num_nodes=max(1, everywhere // here),
        strategy="ddp" if everywhere > 1 else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric
