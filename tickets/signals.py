"""What happens to tickets, past tense. Arguments: subject, actor (who did it), device (on which)."""

from django.dispatch import Signal

# subject: Ticket - a customer's first mail
ticket_opened = Signal()
# subject: Message - a customer's mail to a ticket that was there
customer_replied = Signal()
# subject: Message - an agent's answer, which is about to be mailed
ticket_replied = Signal()
