"""A demonstration on one machine: `make demo`.

Starts a sandbox, pulls its schemas, generates the package into a temporary folder, and runs
`docs/send.py` with that package. Exits with an error as soon as a step fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
COMMITTED = HERE.parent / "generated" / "engage_interactions"
CONTRACTS = HERE.parent / "codegen" / "engage_codegen" / "sandbox" / "seed" / "contracts"
TOOL = [sys.executable, "-m", "engage_codegen"]


def main() -> None:
    """Start the sandbox, run the steps, and stop it."""
    with tempfile.TemporaryDirectory(prefix="engage-demo-") as folder:
        sandbox = subprocess.Popen(
            [*TOOL, "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
            environment = os.environ | connection(sandbox) | {"PYTHONPATH": path}
            run(environment, Path(folder))
        finally:
            sandbox.terminate()
            sandbox.wait()


def connection(sandbox: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Read the lines ``export NAME=value`` that the sandbox prints when it is ready."""
    assert sandbox.stdout is not None
    assert sandbox.stderr is not None
    lines = [sandbox.stdout.readline().decode().strip() for _ in range(3)]
    if not all(line.startswith("export ") for line in lines):
        raise SystemExit(f"the sandbox did not start:\n{sandbox.stderr.read().decode()}")
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def run(environment: dict[str, str], folder: Path) -> None:
    """Pull, generate, send."""
    output = folder / "engage_interactions"
    shutil.copytree(CONTRACTS, folder / "contracts")
    (folder / "pyproject.toml").write_text('[tool.engage-codegen]\ncontracts = "contracts"\n')
    announce(1, f"a sandbox is running at {environment['ENGAGE_BASE_URL']}")
    announce(2, "engage-codegen pull")
    subprocess.run([*TOOL, "pull", "--output", output], check=True, env=environment, cwd=folder)
    announce(3, "engage-codegen generate")
    subprocess.run([*TOOL, "generate", "--output", output], check=True, env=environment, cwd=folder)
    same = texts(output) == texts(COMMITTED)
    print(f"the package is {'the same as' if same else 'not the same as'} the one in generated/")
    announce(4, "python docs/send.py")
    subprocess.run([sys.executable, HERE / "send.py"], check=True, env=environment, cwd=folder)
    announce(5, "done; the sandbox stops, and the temporary folder is deleted")


def texts(package: Path) -> dict[str, str]:
    """Return the texts of the modules and the index of a package."""
    files = [*package.rglob("*.py"), *package.rglob("*.md")]
    return {str(file.relative_to(package)): file.read_text("utf-8") for file in files}


def announce(number: int, step: str) -> None:
    """Print the number and the description of a step."""
    print(f"\n[{number}] {step}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"\nthe demo failed: exit code {error.returncode}") from None
