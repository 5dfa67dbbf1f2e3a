using Distributed.Actors.Coordination;
using Distributed.Protocol;
using static Distributed.Actors.Tests.Coordination.Samples;

namespace Distributed.Actors.Tests.Coordination;

/// <summary>Who gets what: jobs that kill their workers, and workers that are slow.</summary>
public sealed class LeaseGrantingTests
{
    private static readonly CoordinatorOptions Many = Options with { PromptsPerStep = 4, GroupSize = 4, MaxAttempts = 5, LeaseTimeoutMs = 1_000_000, StallTimeoutMs = 10_000_000 };

    private static CoordinatorRules Rules(CoordinatorOptions options)
    {
        var rules = new CoordinatorRules(options, Epoch, new PolicyVersion(0), new Ledger());
        rules.Start(0);
        return rules;
    }

    [Fact]
    public void A_job_that_kills_its_worker_every_time_is_dropped_and_takes_no_other_with_it()
    {
        var rules = Rules(Many);
        var poison = new Slot(1, 2);
        var (answered, incarnation) = (new HashSet<Slot>(), 1L);
        var deaths = 0;
        var waiting = new Queue<RolloutLeaseGranted>(rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 16, incarnation: incarnation), 0).Grants());
        while (waiting.Count > 0)
        {
            if (waiting.Any(grant => grant.Job.Slot == poison))
            {
                // It dies before it has answered anything else it holds.
                deaths++.ShouldBeLessThan(50);
                waiting.Clear();
                rules.NodeLost(RolloutNode, 0);
                foreach (var grant in rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 16, incarnation: ++incarnation), 0).Grants()) waiting.Enqueue(grant);
                continue;
            }

            var next = waiting.Dequeue();
            answered.Add(next.Job.Slot);
            foreach (var grant in rules.Handle(Completed(next, trajectory: Trajectory(next.Job.Slot, turns: 1)), 0).Grants()) waiting.Enqueue(grant);
        }

        deaths.ShouldBe(Many.MaxAttempts);
        answered.Count.ShouldBe(15);
        rules.Ledger.Totals.Dropped.ShouldBe(new Dictionary<string, long> { ["failed"] = 1 });
    }

    [Fact]
    public void A_job_tried_twice_in_vain_is_done_by_a_worker_that_holds_nothing_else()
    {
        var rules = Rules(Many);
        var suspect = rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 1), 0).Grants()[0];
        var again = rules.Handle(new LeaseFailed(suspect.Lease, Epoch, RolloutNode, "crash", Declined: false), 0).Grants().ShouldHaveSingleItem();
        again.Job.Slot.ShouldBe(suspect.Job.Slot);
        rules.Handle(new LeaseFailed(again.Lease, Epoch, RolloutNode, "crash", Declined: false), 0).Grants().ShouldHaveSingleItem().Job.Slot.ShouldBe(suspect.Job.Slot, "it stands alone at once");

        // The same worker with room for more gets nothing beside it, another one gets everything else.
        rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 8), 0).Grants().ShouldBeEmpty();
        var other = rules.Handle(Ready(new NodeId("other"), WorkerRole.Rollout, capacity: 100), 0).Grants();
        other.Count.ShouldBe(15);
        other.ShouldAllBe(grant => grant.Job.Slot != suspect.Job.Slot);
    }

    [Fact]
    public void A_busy_worker_is_set_aside_until_it_can_do_a_suspect_alone()
    {
        var rules = Rules(Many);
        var grants = rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 4), 0).Grants();
        grants.Count.ShouldBe(4);
        var again = rules.Handle(new LeaseFailed(grants[0].Lease, Epoch, RolloutNode, "crash", Declined: false), 0).Grants().ShouldHaveSingleItem();
        rules.Handle(new LeaseFailed(again.Lease, Epoch, RolloutNode, "crash", Declined: false), 0).Grants().ShouldBeEmpty("it is set aside");
        rules.Handle(Completed(grants[1], trajectory: Trajectory(grants[1].Job.Slot, turns: 1)), 0).Grants().ShouldBeEmpty();
        rules.Handle(Completed(grants[2], trajectory: Trajectory(grants[2].Job.Slot, turns: 1)), 0).Grants().ShouldBeEmpty();
        var alone = rules.Handle(Completed(grants[3], trajectory: Trajectory(grants[3].Job.Slot, turns: 1)), 0).Grants().ShouldHaveSingleItem();
        alone.Job.Slot.ShouldBe(grants[0].Job.Slot);
        rules.Handle(Completed(alone, trajectory: Trajectory(alone.Job.Slot, turns: 1)), 0).Grants().Count.ShouldBe(4, "and then goes on as before");
    }

    [Fact]
    public void A_held_out_question_that_was_tried_twice_in_vain_stands_alone_too()
    {
        var rules = Rules(Many with { EvaluationQuestions = 3 });
        var grants = rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 3), 0).Grants();
        grants.ShouldAllBe(grant => grant.Job.HeldOut);
        rules.NodeLost(RolloutNode, 0);
        rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 3), 0).Grants().Count.ShouldBe(3);
        rules.NodeLost(RolloutNode, 0);
        rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 3), 0).Grants().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_slow_worker_gets_less_at_once()
    {
        var rules = Rules(Many with { PromptsPerStep = 64, GroupSize = 4 });
        var (quick, slow) = (new NodeId("quick"), new NodeId("slow"));
        long now = 0;
        var held = rules.Handle(Ready(slow, WorkerRole.Rollout, capacity: 8), now).Grants().ToList();
        held.Count.ShouldBe(8);
        var fast = rules.Handle(Ready(quick, WorkerRole.Rollout, capacity: 8), now).Grants().ToList();

        // The quick one takes 10 ms a lease; the slow one 200.
        for (var round = 0; round < 8; round++)
        {
            now += 10;
            fast = [.. fast.SelectMany(grant => rules.Handle(Completed(grant, quick, Trajectory(grant.Job.Slot, turns: 1)), now).Grants())];
        }

        now = 200;
        var more = held.SelectMany(grant => rules.Handle(Completed(grant, slow, Trajectory(grant.Job.Slot, turns: 1)), now).Grants()).ToArray();
        more.Length.ShouldBeLessThan(4, "after a few leases it is known to be slow");
        now = 400;
        foreach (var grant in more) rules.Handle(Completed(grant, slow, Trajectory(grant.Job.Slot, turns: 1)), now);
        rules.Leases.Workers[(slow, WorkerRole.Rollout)].Leases.Count.ShouldBe(1);
        rules.Leases.Workers[(quick, WorkerRole.Rollout)].Leases.Count.ShouldBe(8);
    }

    [Fact]
    public void Work_is_spread_over_all_workers_that_are_free()
    {
        var rules = Rules(Many with { PromptsPerStep = 2, GroupSize = 2 });
        NodeId[] nodes = [new("a"), new("b"), new("c"), new("d")];
        foreach (var node in nodes) rules.Leases.Offer(Ready(node, WorkerRole.Rollout, capacity: 8));
        rules.Tick(0).Grants().Count.ShouldBe(4);
        rules.Leases.Workers.Values.Select(worker => worker.Leases.Count).ShouldBe([1, 1, 1, 1]);
    }

    [Fact]
    public void The_newest_weights_go_first_and_older_ones_take_what_is_left()
    {
        var rules = new CoordinatorRules(Many with { MaxStalenessSteps = 1, PromptsPerStep = 1, GroupSize = 2 }, Epoch, new PolicyVersion(1), new Ledger());
        var (older, newest) = (new NodeId("a-older"), new NodeId("b-newest"));
        rules.Leases.Offer(Ready(older, WorkerRole.Rollout, version: 0, capacity: 8));
        rules.Leases.Offer(Ready(newest, WorkerRole.Rollout, version: 1, capacity: 3));
        var grants = rules.Start(0).OfType<Effect.Send>().ToArray();
        grants.Count(send => send.To == newest).ShouldBe(3);
        grants.Take(3).ShouldAllBe(send => send.To == newest);
    }

    [Fact]
    public void A_scorer_that_lags_scores_what_older_weights_sampled()
    {
        var backlog = new Backlog(Many);
        var ledger = new Ledger();
        var slots = ledger.Plan(3);
        foreach (var (slot, version) in slots.Zip([2L, 1L, 2L]))
        {
            ledger.Lease(slot);
            ledger.Generated(slot, Trajectory(slot.Slot, version));
            backlog.ToScore(slot);
        }

        backlog.TakeScore(new PolicyVersion(0), suspect: false).ShouldBeNull();
        backlog.TakeScore(new PolicyVersion(1), suspect: false).ShouldBe(slots[1]);
        backlog.TakeScore(new PolicyVersion(1), suspect: false).ShouldBeNull();
        backlog.Remove(slots[0]);
        backlog.TakeScore(new PolicyVersion(2), suspect: false).ShouldBe(slots[2]);
        backlog.ScoreCount.ShouldBe(0);
    }

    [Fact]
    public void An_idle_worker_that_comes_takes_a_suspect_from_the_one_that_was_set_aside()
    {
        var rules = Rules(Many);
        var grants = rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 4), 0).Grants();
        var again = rules.Handle(new LeaseFailed(grants[0].Lease, Epoch, RolloutNode, "crash", Declined: false), 0).Grants().ShouldHaveSingleItem();
        rules.Handle(new LeaseFailed(again.Lease, Epoch, RolloutNode, "crash", Declined: false), 0).Grants().ShouldBeEmpty("it is set aside");
        var effects = rules.Handle(Ready(new NodeId("idle"), WorkerRole.Rollout, capacity: 4), 0).OfType<Effect.Send>().ToArray();
        effects.Select(send => (send.To.Value, ((RolloutLeaseGranted)send.Message).Job.Slot == grants[0].Job.Slot)).ShouldBe([("idle", true), (RolloutNode.Value, false)]);
    }

    [Fact]
    public void A_stall_names_a_few_workers_and_counts_the_others()
    {
        var rules = Rules(Many);
        for (var node = 0; node < 40; node++) rules.Leases.Offer(Ready(new NodeId($"n{node:00}"), WorkerRole.Rollout, capacity: 1));
        rules.Tick(0);
        rules.DescribeWaits().ShouldEndWith("and 24 more hold 0");
    }

    [Fact]
    public void How_every_slot_of_a_step_ended_is_reported_once()
    {
        var rules = Rules(Options with { MaxAttempts = 1 });
        var grants = rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, capacity: 8), 0).Grants();
        rules.Handle(new LeaseFailed(grants[0].Lease, Epoch, RolloutNode, "crash", Declined: false), 0);
        foreach (var grant in grants.Skip(1)) rules.Handle(Completed(grant, trajectory: Trajectory(grant.Job.Slot, turns: 1)), 0);
        var unused = new Dictionary<Slot, string> { [new Slot(1, 1)] = "filtered" };
        var settled = rules.Handle(new StepCompleted(new PolicyVersion(1), unused), 0).OfType<Effect.Settled>().ShouldHaveSingleItem();
        settled.Version.ShouldBe(new PolicyVersion(1));
        settled.Groups.Select(group => group.Group).ShouldBe([0L, 1]);
        var all = settled.Groups.SelectMany(group => group.Trained.Select(sample => (group.Group, sample, "trained"))
            .Concat(group.Dropped.SelectMany(dropped => dropped.Samples.Select(sample => (group.Group, sample, dropped.Reason))))).Order().ToArray();
        all.Select(slot => (slot.Item1, slot.Item2)).ShouldBe([(0L, 0), (0L, 1), (1L, 0), (1L, 1)]);
        all[0].Item3.ShouldBe("failed");
        all[3].Item3.ShouldBe("filtered");
        all[2].Item3.ShouldBe("trained");
    }
}
