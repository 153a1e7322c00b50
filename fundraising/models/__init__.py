from fundraising.models.campaign import Campaign
from fundraising.models.donation import Donation
from fundraising.models.overpayment import Overpayment

__all__ = ["Campaign", "Donation", "Overpayment"]
