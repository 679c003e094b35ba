"""Regular languages: the texts that patterns, lengths and formats allow. Pure.

No library has what this needs. greenery, the one that is maintained and has no dependencies, reads
`^`, `$` and lookaheads as literals or refuses them, matches whole texts, and has no budget: two
lengths of 200 and 199 take it minutes. interegular is no longer maintained, and pyformlang and
automata-lib have no assertions either and depend on networkx.
"""
