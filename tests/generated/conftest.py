"""How many data sets are drawn."""

import os

from hypothesis import HealthCheck, Phase, settings

_ASKED = int(os.environ.get("EXAMPLES", "0"))


def examples(number: int):
    """That many, the same in every run; or as many as EXAMPLES says, others in each.

    None is made smaller once it fails, which takes minutes; they are small.
    """
    return settings(
        max_examples=_ASKED or number,
        derandomize=not _ASKED,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
