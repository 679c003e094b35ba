"""The examples that ``--help`` shows."""

EXAMPLES = {
    "init": [
        "engage-codegen init --base-url https://acme.voyado.com",
        "engage-codegen init --with vscode --with pre-commit --dry-run",
    ],
    "pull": ["engage-codegen pull", "engage-codegen pull repair productReview"],
    "generate": ["engage-codegen generate", "engage-codegen generate --watch"],
    "check": [
        "engage-codegen check",
        "engage-codegen check --live --usage src --output-format github",
    ],
    "list": ["engage-codegen list"],
    "lint": ["engage-codegen lint schemas --fix", "engage-codegen lint --explain EG118"],
    "diff": ["engage-codegen diff", "engage-codegen diff git:HEAD snapshot"],
    "push": ["engage-codegen push", "engage-codegen push repair --apply"],
    "preflight": [
        "engage-codegen preflight src/engage_interactions",
        "engage-codegen preflight dist/acme-1.0-py3-none-any.whl "
        "--tenant staging=https://acme-staging.voyado.com",
    ],
    "explain": ["engage-codegen explain favourite.price --usage src"],
    "verify": ["engage-codegen verify"],
    "sandbox": ["engage-codegen sandbox", "engage-codegen sandbox --port 0 --database engage.db"],
    "completion": ["engage-codegen completion zsh > ~/.zfunc/_engage-codegen"],
}


def epilog(command: str) -> str:
    """The examples of a command, as click prints them."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in EXAMPLES[command])
