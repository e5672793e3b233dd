"""No model at all: one of the choices, by chance; what every other number is to be read against."""

from earmark.servers.base import ServerType


class RandomChoice(ServerType):
    """Nothing is started and nothing asked; `earmark.inference.predictions` writes them."""

    starts = False
