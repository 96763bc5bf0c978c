"""Whether the parts of a pipeline fit each other: a check of minutes, with a verdict."""

from c2l.evaluation.checking.check import Check as Check
from c2l.evaluation.checking.check import check_pipeline as check_pipeline
from c2l.evaluation.checking.verdict import Fault as Fault
from c2l.evaluation.checking.verdict import Verdict as Verdict
