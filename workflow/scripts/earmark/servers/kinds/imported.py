"""No server: the answers are those of a result file that `earmark import` brought."""

from earmark.config.models import Model
from earmark.servers.base import ServerType


class Imported(ServerType):
    """Nothing is started and nothing asked; `earmark.scoring.imported` writes them."""

    starts = False

    def problems(self, model: Model) -> list[str]:
        """See `ServerType.problems`."""
        several = "num_seeds: an imported model has one answer a sample; leave it out"
        return [several] if model.num_seeds > 1 else []
