using Distributed.Actors.Coordination;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Coordination;

public sealed class LeaseBookTests
{
    private readonly LeaseBook _book = new();

    private Worker Offer(long incarnation = 1, int capacity = 2)
    {
        _book.Offer(Samples.Ready(Samples.RolloutNode, WorkerRole.Rollout, capacity: capacity, incarnation: incarnation));
        return _book.Workers[(Samples.RolloutNode, WorkerRole.Rollout)];
    }

    [Fact]
    public void A_lease_is_taken_out_exactly_once()
    {
        var worker = Offer();
        var lease = _book.Grant(LeaseKind.Rollout, new Slot(0, 0), worker, 0, 100);
        _book.Free(worker).ShouldBe(1);
        _book.Take(lease.Id).ShouldBe(lease);
        _book.Take(lease.Id).ShouldBeNull();
        _book.TakeFor(LeaseKind.Rollout, new Slot(0, 0)).ShouldBeNull();
        _book.TakeExpired(1_000).ShouldBeEmpty();
        _book.Free(worker).ShouldBe(2);
    }

    [Fact]
    public void Leases_expire_at_their_deadline_and_not_before()
    {
        var worker = Offer();
        var (late, soon) = (_book.Grant(LeaseKind.Rollout, new Slot(0, 0), worker, 0, 200), _book.Grant(LeaseKind.Evaluation, new Slot(-1, 0), worker, 0, 100));
        _book.TakeExpired(99).ShouldBeEmpty();
        _book.TakeExpired(100).ShouldBe([soon]);
        _book.Open.ShouldBe([late]);
        _book.TakeExpired(500).ShouldBe([late]);
        _book.Free(worker).ShouldBe(2);
    }

    [Fact]
    public void A_reborn_worker_loses_its_leases_and_an_older_life_is_not_listened_to()
    {
        var worker = Offer(incarnation: 4);
        var lease = _book.Grant(LeaseKind.Rollout, new Slot(0, 0), worker, 0, 100);
        _book.Offer(Samples.Ready(Samples.RolloutNode, WorkerRole.Rollout, incarnation: 4)).ShouldBe([]);
        _book.Offer(Samples.Ready(Samples.RolloutNode, WorkerRole.Rollout, incarnation: 5, version: 9)).ShouldBe([lease]);
        _book.Offer(Samples.Ready(Samples.RolloutNode, WorkerRole.Rollout, incarnation: 4, version: 3)).ShouldBeNull();
        worker.Offer.Version.Value.ShouldBe(9);
        worker.Offer.Incarnation.Value.ShouldBe(5);
    }

    [Fact]
    public void A_lost_node_gives_back_the_leases_of_both_its_roles()
    {
        var rollout = Offer();
        _book.Offer(Samples.Ready(Samples.RolloutNode, WorkerRole.Scorer));
        var leases = new[]
        {
            _book.Grant(LeaseKind.Rollout, new Slot(0, 0), rollout, 0, 100),
            _book.Grant(LeaseKind.Score, new Slot(0, 1), _book.Workers[(Samples.RolloutNode, WorkerRole.Scorer)], 0, 100),
        };
        _book.Remove(new NodeId("nobody")).ShouldBeEmpty();
        _book.Remove(Samples.RolloutNode).ShouldBe(leases);
        _book.Workers.ShouldBeEmpty();
        _book.Open.ShouldBeEmpty();
    }

    [Fact]
    public void A_worker_that_declined_gets_nothing_before_its_next_offer()
    {
        var worker = Offer();
        _book.Pause(_book.Grant(LeaseKind.Rollout, new Slot(0, 0), worker, 0, 100));
        _book.Free(worker).ShouldBe(0);
        _book.Free(Offer()).ShouldBe(1);
    }
}
