"""The jobs of CI that `init` writes, with the key of each target for the step that needs it."""

import re
from collections.abc import Sequence

from ..config.tenant import BASE_URL_VARIABLE, variable_of
from ..errors import API_KEY_VARIABLE

_LIVE = "check --live"
_STEP = "      - name: Compare the snapshot with the tenant\n"


def make_github_job(template: str, targets: Sequence[str]) -> str:
    """Return a GitHub job that compares each target with its tenant in a step of its own.

    `targets` are the names; a project without targets has one without a name.
    """
    job = template.partition(_STEP)[0]
    return job + make_github_steps(template, targets)


def make_github_steps(template: str, targets: Sequence[str]) -> str:
    """Return the steps that compare targets with their tenants."""
    step = "".join(template.partition(_STEP)[1:])
    return "".join(_name_target(step, name) if name else step for name in targets)


def find_targets_without_key(job: str, targets: Sequence[str]) -> list[str]:
    """Return the targets that a job compares with their tenants without passing their keys."""
    if _LIVE not in job:
        return []
    return [
        name
        for name in targets
        if not re.search(rf"\b{variable_of(API_KEY_VARIABLE, name)}\b", job)
    ]


def make_gitlab_job(template: str, targets: Sequence[str]) -> str:
    """Return a GitLab job that says which variables the targets need."""
    variables = [
        f"{variable_of(API_KEY_VARIABLE, name)} and {variable_of(BASE_URL_VARIABLE, name)}"
        for name in targets
    ]
    return template.replace("@VARIABLES@", "\n    # ".join(variables))


def _name_target(step: str, name: str) -> str:
    for variable in (API_KEY_VARIABLE, BASE_URL_VARIABLE):
        step = step.replace(variable, variable_of(variable, name))
    named = step.replace("with the tenant\n", f"with the tenant of {name}\n", 1)
    return named.replace(_LIVE, f"{_LIVE} --target {name}")
