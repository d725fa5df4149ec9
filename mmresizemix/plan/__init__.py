"""Plans of many runs: a plan becomes stages, which are carried out despite interruptions."""
from .carry_out import carry_out, show_status, show_what_would_run
from .plan import Detector, Plan, PlanError, Pretraining, read_plan

__all__ = ['Detector', 'Plan', 'PlanError', 'Pretraining', 'carry_out', 'read_plan', 'show_status',
           'show_what_would_run']
