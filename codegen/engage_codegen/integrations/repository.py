"""Where the repository of a project reads its files of CI and of pre-commit."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from ..config import repository_root

GITHUB_JOB = ".github/workflows/engage-codegen.yml"
GITLAB_JOB = ".gitlab/engage-codegen.yml"
PRE_COMMIT = ".pre-commit-config.yaml"


class Repository(NamedTuple):
    """The place of a project in its git repository.

    `folder` is the project's folder below the root of the repository, with ``/``; it is empty if
    the project is the root, or if there is no repository.
    """

    folder: str = ""

    @property
    def github_job(self) -> str:
        """The path of the GitHub job, from the project's folder."""
        return self._up + self._name_file(GITHUB_JOB)

    @property
    def gitlab_job(self) -> str:
        """The path of the GitLab job, from the project's folder."""
        return self._up + self.gitlab_include

    @property
    def gitlab_include(self) -> str:
        """The path of the GitLab job, from the root of the repository."""
        return self._name_file(GITLAB_JOB)

    @property
    def pre_commit(self) -> str:
        """The path of the configuration of pre-commit, from the project's folder."""
        return self._up + PRE_COMMIT

    def adapt_github(self, text: str) -> str:
        """Return a GitHub job that runs in the project's folder."""
        if not self.folder:
            return text
        folder = json.dumps(self.folder)
        return text.replace(
            "\njobs:\n", f"\ndefaults:\n  run:\n    working-directory: {folder}\njobs:\n", 1
        )

    def adapt_gitlab(self, text: str) -> str:
        """Return a GitLab job that runs in the project's folder, under a name of its own."""
        if not self.folder:
            return text
        named = text.replace("engage-codegen:\n", f"engage-codegen-{self._name}:\n", 1)
        command = json.dumps(shlex.join(["cd", self.folder]))
        return named.replace("  script:\n", f"  script:\n    - {command}\n", 1)

    @property
    def hook_mark(self) -> str:
        """What the configuration of pre-commit contains if it has the hook of this project."""
        return f"name: engage-codegen {self._name}\n" if self.folder else "engage-codegen"

    def adapt_pre_commit(self, text: str) -> str:
        """Return a hook that runs for the project's folder, from the root of the repository."""
        if not self.folder:
            return text
        entry = json.dumps(
            shlex.join(["engage-codegen", "check", "--config", f"{self.folder}/pyproject.toml"])
        )
        named = text.replace("name: engage-codegen check\n", self.hook_mark, 1)
        adapted = named.replace("entry: engage-codegen check", f"entry: {entry}", 1)
        return adapted.replace("files: (^|/)(", f"files: ^{re.escape(self.folder)}/(", 1)

    def _name_file(self, path: str) -> str:
        """Return the path with the name of the project: each project has a file of its own."""
        return path.replace(".yml", f"-{self._name}.yml") if self.folder else path

    @property
    def _name(self) -> str:
        return re.sub(r"[^A-Za-z0-9._-]", "-", self.folder.replace("/", "-"))

    @property
    def _up(self) -> str:
        return "../" * (self.folder.count("/") + 1) if self.folder else ""


def find_repository(root: Path) -> Repository:
    """Return the place of a project's folder in the repository around it."""
    repository = repository_root(root)
    if repository is None:
        return Repository()
    below = root.resolve().relative_to(repository).as_posix()
    return Repository("" if below == "." else below)
