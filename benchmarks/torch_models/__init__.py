"""Plain torch.sparse forms of the models, written from their equations, to be timed beside them.

A form is of a model as its preset "paper" has it; other choices of its options are not there.
`form_class(name)` imports a form, and torch with it; nothing else here does.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

FORMS: Mapping[str, str] = MappingProxyType(
    {
        "lightgcn": "lightgcn:LightGCN",
        "sgl": "sgl:SGL",
        "ncl": "ncl:NCL",
        "bm3": "bm3:BM3",
        "hccf": "hccf:HCCF",
        "slmrec": "slmrec:SLMRec",
        "mmgcl": "mmgcl:MMGCL",
        "mgcl": "mgcl:MGCL",
        "mhgcf": "mhgcf:MHGCF",
        "freedom": "freedom:FREEDOM",
        "mgcn": "mgcn:MGCN",
        "clcrec": "clcrec:CLCRec",
        "diffkg": "diffkg:DiffKG",
        "diffmm": "diffmm:DiffMM",
    }
)


def has_form(name: str) -> bool:
    """Whether there is a form of that model, and torch to run it."""
    return name in FORMS and find_spec("torch") is not None


def form_class(name: str) -> Any:
    """The form of a model."""
    module, _, attribute = FORMS[name].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
