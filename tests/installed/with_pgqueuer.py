"""What a user of pgqueuer writes, with the extra ``pgqueuer`` alone."""

from engagelab_async import EngageLab
from engagelab_async.distributed import Fleet, Via
from engagelab_async.distributed.pgqueuer import serve

fleet = Fleet("postgresql://bulk@localhost/bulk")
bulk = serve(fleet, EngageLab.from_env)
worker = bulk.worker
via: Via = bulk
print(worker)
