"""The whole job once, on one machine: `make demo`.

Starts a local Engage, pulls its schemas, generates the package into a temporary folder, and runs
`docs/send.py` with that package. Ends by itself, and with an error as soon as a step fails.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
COMMITTED = HERE.parent / "generated" / "engage_interactions"
TOOL = [sys.executable, "-m", "engage_codegen"]


def main() -> None:
    """Run the steps."""
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
    """The lines ``export NAME=value`` that the sandbox prints once it is ready."""
    assert sandbox.stdout is not None
    assert sandbox.stderr is not None
    lines = [sandbox.stdout.readline().decode().strip() for _ in range(3)]
    if not all(line.startswith("export ") for line in lines):
        raise SystemExit(f"the sandbox did not start:\n{sandbox.stderr.read().decode()}")
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def run(environment: dict[str, str], folder: Path) -> None:
    """Pull, generate, send."""
    output = folder / "engage_interactions"
    say(1, f"a local Engage is running at {environment['ENGAGE_BASE_URL']}")
    say(2, "engage-codegen pull")
    subprocess.run([*TOOL, "pull", "--output", output], check=True, env=environment, cwd=folder)
    say(3, "engage-codegen generate")
    subprocess.run([*TOOL, "generate", "--output", output], check=True, env=environment, cwd=folder)
    same = texts(output) == texts(COMMITTED)
    print(f"the package is {'the same as' if same else 'not the same as'} the one in generated/")
    say(4, "python docs/send.py")
    subprocess.run([sys.executable, HERE / "send.py"], check=True, env=environment, cwd=folder)
    say(5, "done; the local Engage stops, and nothing is left behind")


def texts(package: Path) -> dict[str, str]:
    """The modules and the index of a package."""
    files = [*package.rglob("*.py"), *package.rglob("*.md")]
    return {str(file.relative_to(package)): file.read_text("utf-8") for file in files}


def say(number: int, what: str) -> None:
    """Announce a step."""
    print(f"\n[{number}] {what}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"\nthe demo failed: exit code {error.returncode}") from None
