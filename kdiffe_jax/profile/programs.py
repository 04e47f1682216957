"""Which phase every operation of the compiled programs belongs to, read from their HLO text.

XLA keeps the name stack of an operation in its metadata. A fusion carries that of its root,
so what was fused into another phase's operation counts there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import jax.extend.backend

from kdiffe_jax.ops.trace_phases import MARK

_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = ", re.MULTILINE)
_PHASE = re.compile(rf'op_name="[^"]*?{re.escape(MARK)}(\w+)')
_CONTAINER = re.compile(r" (?:while|call|conditional)\(")


class Operation(NamedTuple):
    """What is known of one HLO instruction."""

    phase: str | None  # None where its metadata name none
    container: bool  # runs other operations, which appear in a trace themselves


Programs = dict[tuple[str, str], Operation]  # by names of module and instruction


def live_programs() -> Programs:
    """The operations of all programs that are compiled in this process now."""
    executables = jax.extend.backend.get_backend().live_executables()
    modules = (module for executable in executables for module in executable.hlo_modules())
    return operations_of((module.name, module.to_string()) for module in modules)


class Memory(NamedTuple):
    """Bytes that a compiled program takes on its device."""

    program: str
    held: int  # arguments, and results that do not take their place
    temporary: int


def largest_program() -> Memory:
    """The compiled program of this process that takes the most memory."""
    programs = []
    for executable in jax.extend.backend.get_backend().live_executables():
        size = executable.get_compiled_memory_stats()
        held = size.argument_size_in_bytes + size.output_size_in_bytes - size.alias_size_in_bytes
        name = executable.hlo_modules()[0].name.removeprefix("jit_")
        programs.append(Memory(name, held, size.temp_size_in_bytes))
    return max(programs, key=lambda program: program.held + program.temporary)


def operations_of(modules) -> Programs:
    """The operations of the modules that have a phase at all.

    An operation without a phase belongs to that of its module where the module has only
    one. Two programs of one name whose operations disagree leave these without a phase.

    Args:
      modules: pairs of a name and the text of an optimised HLO module.
    """
    found: Programs = {}
    for name, text in modules:
        for instruction, operation in _operations(text).items():
            key = (name, instruction)
            if found.setdefault(key, operation) != operation:
                found[key] = Operation(None, operation.container)
    return found


def _operations(text: str) -> dict[str, Operation]:
    phases = set(_PHASE.findall(text))
    if not phases:
        return {}
    default = phases.pop() if len(phases) == 1 else None
    return {
        match[1]: Operation(_phase_of(line) or default, bool(_CONTAINER.search(line)))
        for line in text.splitlines()
        if (match := _INSTRUCTION.match(line))
    }


def _phase_of(line: str) -> str | None:
    match = _PHASE.search(line)
    return match[1] if match else None
