"""Contracts: what a project allows itself to send, in a TOML file for each schema."""

from .files import contract_path, find_contracts, parse_contract, read_contracts
from .proof import apply_contracts, contract_problems
from .review import review_contracts

__all__ = [
    "apply_contracts",
    "contract_path",
    "contract_problems",
    "find_contracts",
    "parse_contract",
    "read_contracts",
    "review_contracts",
]
