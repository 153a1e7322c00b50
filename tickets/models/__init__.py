from tickets.models.mailbox import Mailbox
from tickets.models.message import Message
from tickets.models.prefix import TicketPrefix
from tickets.models.raw_mail import RawMail
from tickets.models.ticket import Ticket

__all__ = ["Mailbox", "Message", "RawMail", "Ticket", "TicketPrefix"]
