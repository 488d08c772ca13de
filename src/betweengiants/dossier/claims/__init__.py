"""Claims against evidence: data in, verdicts out, each with its rule, its sum and the rows it used."""

from betweengiants.dossier.claims.export import claim_review, claim_review_text, readers_table
from betweengiants.dossier.claims.kinds import KINDS, REASONS, RELATIONS, VERDICTS
from betweengiants.dossier.claims.review import faults, faults_of_bounds, read_claims, refuse_faults
from betweengiants.dossier.claims.rules import Tolerances
from betweengiants.dossier.claims.verdicts import check_claims, combine

__all__ = [
    "KINDS",
    "REASONS",
    "RELATIONS",
    "VERDICTS",
    "Tolerances",
    "check_claims",
    "claim_review",
    "claim_review_text",
    "combine",
    "faults",
    "faults_of_bounds",
    "read_claims",
    "readers_table",
    "refuse_faults",
]
