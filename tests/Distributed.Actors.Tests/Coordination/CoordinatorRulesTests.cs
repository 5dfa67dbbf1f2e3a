using Distributed.Actors.Coordination;
using Distributed.Protocol;
using static Distributed.Actors.Tests.Coordination.Samples;

namespace Distributed.Actors.Tests.Coordination;

public sealed class CoordinatorRulesTests
{
    internal static CoordinatorRules Rules(CoordinatorOptions? options = null, Ledger? ledger = null, long version = 0)
    {
        var rules = new CoordinatorRules(options ?? Options, Epoch, new PolicyVersion(version), ledger ?? new Ledger());
        rules.Start(0);
        return rules;
    }

    internal static IReadOnlyList<RolloutLeaseGranted> OfferRollout(CoordinatorRules rules, long now = 0, long version = 0, int capacity = 8, long incarnation = 1) =>
        rules.Handle(Ready(RolloutNode, WorkerRole.Rollout, version, capacity, incarnation), now).Grants();

    [Fact]
    public void Nothing_is_granted_before_the_learner_is_ready()
    {
        var rules = new CoordinatorRules(Options, Epoch, new PolicyVersion(0), new Ledger());
        OfferRollout(rules).ShouldBeEmpty();
        rules.Start(0).Grants().Count.ShouldBe(4);
        rules.DescribeWaits().ShouldContain("rollout (rollout, version 0) holds 4 leases");
    }

    [Fact]
    public void Synchronous_training_has_exactly_one_batch_open()
    {
        var rules = Rules();
        var grants = OfferRollout(rules, capacity: 100);
        grants.Select(grant => grant.Job.Slot).ShouldBe([new Slot(0, 0), new Slot(0, 1), new Slot(1, 0), new Slot(1, 1)]);
        grants.Select(grant => grant.Job.Seed).Distinct().Count().ShouldBe(4);
        grants.ShouldAllBe(grant => !grant.Job.Greedy && !grant.Job.HeldOut && grant.Attempt == 0 && grant.Epoch == Epoch);
        var batch = Deliver(rules, grants, turns: 1);
        batch.ShouldNotBeNull();
        rules.Ledger.NextGroup.ShouldBe(2);

        var effects = rules.Handle(new StepCompleted(new PolicyVersion(1), new Dictionary<Slot, string>()), 0);
        rules.Ledger.NextGroup.ShouldBe(4);
        effects.Grants().ShouldBeEmpty("the worker still has version 0");
        OfferRollout(rules, version: 1).Select(grant => grant.Job.Slot.Group).Distinct().ShouldBe([2L, 3]);
    }

    [Fact]
    public void A_worker_never_holds_more_than_its_capacity()
    {
        var rules = Rules();
        var grants = OfferRollout(rules, capacity: 3);
        grants.Count.ShouldBe(3);
        rules.Handle(Completed(grants[0]), 0).Grants().Count.ShouldBe(1);
    }

    [Fact]
    public void A_lease_past_its_deadline_is_issued_again_as_a_further_attempt_with_the_same_seed()
    {
        var rules = Rules();
        var first = OfferRollout(rules, capacity: 1)[0];
        rules.Tick(999).Grants().ShouldBeEmpty();
        var second = rules.Tick(1_000).Grants().ShouldHaveSingleItem();
        second.Lease.ShouldNotBe(first.Lease);
        second.Attempt.ShouldBe(1);
        second.Job.ShouldBe(first.Job);
    }

    [Fact]
    public void The_late_answer_of_an_expired_lease_counts_once_and_the_second_answer_is_counted_and_settled()
    {
        var rules = Rules();
        var first = OfferRollout(rules, capacity: 1)[0];
        var second = rules.Tick(1_000).Grants()[0];

        var late = rules.Handle(Completed(first, trajectory: Trajectory(first.Job.Slot, turns: 1)), 1_001);
        rules.Ledger.Find(first.Job.Slot)!.State.ShouldBe(SlotState.Scored);
        late.Settled().Select(settled => settled.Lease).ShouldBe([first.Lease, second.Lease], "who still works on it may stop");
        rules.SecondAnswers.ShouldBe(0);

        var again = rules.Handle(Completed(second, trajectory: Trajectory(first.Job.Slot, turns: 1)), 1_002);
        rules.SecondAnswers.ShouldBe(1);
        again.Settled().Select(settled => settled.Lease).ShouldBe([second.Lease]);
        rules.Ledger.CheckConservation();
    }

    [Fact]
    public void The_late_score_of_an_expired_lease_counts_once()
    {
        var rules = Rules();
        rules.Handle(Ready(ScorerNode, WorkerRole.Scorer, capacity: 1), 0);
        var rollout = OfferRollout(rules, capacity: 1)[0];
        var first = rules.Handle(Completed(rollout), 0).ScoreGrants().ShouldHaveSingleItem();
        var second = rules.Tick(1_000).ScoreGrants().ShouldHaveSingleItem();
        second.Attempt.ShouldBe(1);

        rules.Handle(Completed(first), 1_001);
        rules.Ledger.Find(rollout.Job.Slot)!.State.ShouldBe(SlotState.Scored);
        rules.Handle(Completed(second), 1_002).Settled().Count.ShouldBe(1);
        rules.SecondAnswers.ShouldBe(1);
    }

    [Fact]
    public void A_reborn_workers_leases_are_issued_again()
    {
        var rules = Rules();
        var first = OfferRollout(rules, capacity: 2);
        var again = OfferRollout(rules, capacity: 2, incarnation: 2);
        again.Select(grant => grant.Job.Slot).ShouldBe(first.Select(grant => grant.Job.Slot));
        again.ShouldAllBe(grant => grant.Attempt == 1);
    }

    [Fact]
    public void A_lost_nodes_leases_go_to_others()
    {
        var rules = Rules();
        var first = OfferRollout(rules, capacity: 2);
        var other = new NodeId("other");
        rules.Handle(Ready(other, WorkerRole.Rollout, capacity: 2), 0).Grants().Select(grant => grant.Job.Slot.Group).Distinct().ShouldBe([1L]);
        rules.NodeLost(RolloutNode, 0);
        var again = rules.Handle(Ready(other, WorkerRole.Rollout, capacity: 4), 0).Grants();
        again.Select(grant => grant.Job.Slot).ShouldBe(first.Select(grant => grant.Job.Slot));
    }

    [Fact]
    public void A_declined_lease_costs_no_attempt_and_waits_for_the_workers_next_offer()
    {
        var rules = Rules();
        var grant = OfferRollout(rules, capacity: 1)[0];
        for (var round = 0; round < 10; round++)
        {
            rules.Handle(new LeaseFailed(grant.Lease, Epoch, RolloutNode, "full", Declined: true), 0).Grants().ShouldBeEmpty();
            grant = OfferRollout(rules, capacity: 1).ShouldHaveSingleItem();
            grant.Attempt.ShouldBe(0);
        }
    }

    [Fact]
    public void A_poisoned_slot_is_dropped_after_the_last_attempt_and_its_group_goes_on()
    {
        var rules = Rules();
        var grants = OfferRollout(rules, capacity: 4);
        Deliver(rules, grants.Skip(1), turns: 1).ShouldBeNull();
        var (grant, notices) = (grants[0], new List<string>());
        for (var attempt = 0; attempt < Options.MaxAttempts; attempt++)
        {
            grant.Attempt.ShouldBe(attempt);
            var effects = rules.Handle(new LeaseFailed(grant.Lease, Epoch, RolloutNode, "boom", Declined: false), 0);
            notices.AddRange(effects.Notices());
            if (effects.Grants() is [var next]) grant = next;
            if (effects.Batch() is { } batch)
            {
                attempt.ShouldBe(Options.MaxAttempts - 1);
                batch.Groups[0].Rollouts.ShouldBeEmpty("one rollout has nothing to be compared with");
                batch.Groups[1].Rollouts.Count.ShouldBe(2);
            }
        }

        notices.ShouldBe(["rollout 0/0 given up after 3 attempts: boom"]);
        rules.Ledger.Totals.Dropped.ShouldBe(new Dictionary<string, long> { ["failed"] = 1, ["group_too_small"] = 1 });
        rules.Ledger.CheckConservation();
    }

    [Fact]
    public void A_slot_that_cannot_be_scored_trains_on_its_outcome()
    {
        var rules = Rules();
        rules.Handle(Ready(ScorerNode, WorkerRole.Scorer, capacity: 1), 0);
        var grants = OfferRollout(rules);
        Deliver(rules, grants.Skip(1), turns: 1);
        var effects = rules.Handle(Completed(grants[0]), 0);
        for (var attempt = 0; attempt < Options.MaxAttempts; attempt++)
        {
            var grant = effects.ScoreGrants().ShouldHaveSingleItem();
            grant.Attempt.ShouldBe(attempt);
            effects = rules.Handle(new LeaseFailed(grant.Lease, Epoch, ScorerNode, "no", Declined: false), 0);
        }

        effects.Notices().ShouldBe(["rollout 0/0 trains without information gain after 3 attempts to score it: no"]);
        effects.Batch()!.Groups[0].Rollouts.ShouldContain(rollout => rollout.Trajectory.Slot == new Slot(0, 0) && rollout.Scores == null);
    }

    [Fact]
    public void Stale_samples_are_dropped_with_their_reason()
    {
        var options = Options with { MaxStalenessSteps = 1, PromptsPerStep = 1, NeedsScores = false };
        var rules = Rules(options);
        var grants = OfferRollout(rules); // groups 0 and 1 at version 0
        grants.Count.ShouldBe(4);
        var batch = Deliver(rules, grants.Take(2), turns: 1);
        batch!.Groups[0].Group.ShouldBe(0);
        var next = OfferRollout(Step(rules, 1), version: 1); // group 2 at version 1
        Deliver(rules, next, turns: 1, version: 1)!.Groups[0].Group.ShouldBe(2, "it ended first");
        Step(rules, 2);
        var last = Deliver(rules, grants.Skip(2), turns: 1);
        last!.Version.Value.ShouldBe(2);
        last.Groups[0].Rollouts.ShouldBeEmpty("version 0 is two steps old");
        rules.Ledger.Totals.Dropped.ShouldBe(new Dictionary<string, long> { ["stale"] = 2 });
        Step(rules, 3);
        rules.Ledger.CheckConservation();
    }

    [Fact]
    public void A_lagging_worker_gets_only_work_that_will_still_be_fresh_when_it_is_due()
    {
        var options = Options with { MaxStalenessSteps = 1, PromptsPerStep = 1, Steps = 10, NeedsScores = false };
        var rules = Rules(options);
        Deliver(rules, OfferRollout(rules, capacity: 2), turns: 1).ShouldNotBeNull();
        Step(rules, 1).NodeLost(RolloutNode, 0);
        OfferRollout(rules, version: 0).Select(grant => grant.Job.Slot.Group).Distinct().ShouldBe([1L], "group 2 is due at version 2, which version 0 is too old for");
    }

    [Fact]
    public void A_batch_that_a_slot_given_up_completes_is_progress_for_the_stall_watch()
    {
        var rules = Rules(Options with { MaxAttempts = 1, LeaseTimeoutMs = 4_000, StallTimeoutMs = 5_000, GroupSize = 3 });
        var grants = OfferRollout(rules);
        Deliver(rules, [.. grants.Take(5)], turns: 1).ShouldBeNull();
        var completed = rules.Tick(4_900); // the last slot's only attempt is over, and with it the batch complete
        completed.Batch().ShouldNotBeNull();
        rules.Tick(9_500).ShouldBeEmpty("the learner has trained for less than the time-out");
        rules.Tick(10_000).OfType<Effect.Failed>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_stall_is_named_once_with_who_waits_for_what_and_ends_the_run_if_so_wished()
    {
        foreach (var abort in new[] { true, false })
        {
            var rules = Rules(Options with { AbortOnStall = abort, LeaseTimeoutMs = 1_000_000, StallTimeoutMs = 5_000 });
            OfferRollout(rules, capacity: 2);
            rules.Tick(5_000).ShouldBeEmpty();
            var effects = rules.Tick(5_001);
            var line = abort ? effects.OfType<Effect.Failed>().ShouldHaveSingleItem().Reason : effects.Notices().ShouldHaveSingleItem();
            line.ShouldBe("no progress for 5 s: 2 rollouts and 0 scores wait for a worker, 0 of 2 groups are ready; rollout (rollout, version 0) holds 2 leases");
            rules.Tick(20_000).ShouldBeEmpty("it was said already");
        }
    }

    [Fact]
    public void A_pause_of_the_process_is_no_stall()
    {
        var rules = Rules(Options with { LeaseTimeoutMs = 1_000_000, StallTimeoutMs = 5_000, TickMs = 500 });
        OfferRollout(rules, capacity: 2);
        foreach (var now in new[] { 500, 1_000, 90_000, 90_500, 92_000, 94_000 }) rules.Tick(now).ShouldBeEmpty($"at {now}");
        rules.Tick(94_001).OfType<Effect.Failed>().ShouldHaveSingleItem().Reason.ShouldStartWith("no progress for 5 s");
    }

    [Fact]
    public void Messages_of_another_epoch_change_nothing_and_are_settled_only_if_older()
    {
        var rules = Rules();
        var grant = OfferRollout(rules, capacity: 1)[0];
        var before = rules.Ledger.Snapshot(new PolicyVersion(0));
        var (older, newer) = (new LearnerEpoch(2), new LearnerEpoch(4));
        rules.Handle(Completed(grant) with { Epoch = older }, 0).Settled().ShouldBe([new LeaseSettled(older, grant.Lease)], "not the lease of the same number of this epoch");
        rules.Handle(new LeaseFailed(grant.Lease, older, RolloutNode, "old", false), 0).Settled().ShouldBe([new LeaseSettled(older, grant.Lease)]);
        rules.Handle(Completed(grant) with { Epoch = newer }, 0).ShouldBeEmpty("a newer learner decides about its own leases");
        rules.Handle(Ready(new NodeId("newer"), WorkerRole.Rollout, epoch: newer), 0).Grants().ShouldBeEmpty();
        rules.Ledger.Snapshot(new PolicyVersion(0)).ShouldBeEquivalentTo(before);
        rules.Leases.Open.Count.ShouldBe(1);
    }

    public static TheoryData<string, Func<Slot, Trajectory>> BrokenTrajectories => new()
    {
        { "reward NaN", slot => Trajectory(slot, reward: double.NaN) },
        { "no turns", slot => Trajectory(slot, turns: 0) },
        { "sampled by version 1 while 0 is the newest", slot => Trajectory(slot, version: 1) },
        { "log-probability that is not finite", slot => Trajectory(slot) with { Turns = [new TurnRecord([1], [float.NaN], new PolicyVersion(0), [], false)] } },
        { "1 log-probabilities for 2 tokens", slot => Trajectory(slot) with { Turns = [new TurnRecord([1, 2], [-1], new PolicyVersion(0), [], false)] } },
        { "no sampled token", slot => Trajectory(slot) with { Turns = [new TurnRecord([], [], new PolicyVersion(0), [], false)] } },
        { "it is of rollout 1/1", slot => Trajectory(new Slot(1, 1)) },
    };

    [Theory]
    [MemberData(nameof(BrokenTrajectories))]
    public void An_answer_that_would_break_training_is_refused_and_its_job_done_again(string reason, Func<Slot, Trajectory> broken)
    {
        var rules = Rules();
        var grant = OfferRollout(rules, capacity: 1)[0];
        var effects = rules.Handle(Completed(grant, trajectory: broken(grant.Job.Slot)), 0);
        effects.Notices().ShouldHaveSingleItem().ShouldContain(reason);
        effects.Grants().ShouldHaveSingleItem().ShouldSatisfyAllConditions(next => next.Job.ShouldBe(grant.Job), next => next.Attempt.ShouldBe(1));
        rules.RefusedAnswers.ShouldBe(1);
    }

    [Fact]
    public void Scores_of_another_shape_are_refused_and_done_again()
    {
        var rules = Rules();
        rules.Handle(Ready(ScorerNode, WorkerRole.Scorer, capacity: 1), 0);
        var score = rules.Handle(Completed(OfferRollout(rules, capacity: 1)[0]), 0).ScoreGrants()[0];
        var effects = rules.Handle(Completed(score, Scores(boundaries: 3)), 0);
        effects.Notices().ShouldHaveSingleItem().ShouldContain("scored at 3 boundaries and has 2 turns");
        effects.ScoreGrants().ShouldHaveSingleItem().Attempt.ShouldBe(1);
    }

    [Fact]
    public void A_scorer_never_scores_with_weights_older_than_those_that_sampled()
    {
        var rules = Rules(Options with { MaxStalenessSteps = 1, PromptsPerStep = 1 });
        rules.Handle(Ready(ScorerNode, WorkerRole.Scorer, version: 0), 0);
        Deliver(rules, OfferRollout(rules, capacity: 2), turns: 1);
        Step(rules, 1).NodeLost(RolloutNode, 0);
        var grant = OfferRollout(rules, version: 1, capacity: 1)[0];
        rules.Handle(Completed(grant, trajectory: Trajectory(grant.Job.Slot, version: 1)), 0).ScoreGrants().ShouldBeEmpty();
        rules.Handle(Ready(ScorerNode, WorkerRole.Scorer, version: 1), 0).ScoreGrants().Count.ShouldBe(1);
    }

    [Fact]
    public void Rules_over_a_restored_ledger_go_on_where_it_stood()
    {
        var first = Rules();
        var grants = OfferRollout(first);
        Deliver(first, grants.Take(1), turns: 1);
        first.Handle(Completed(grants[1]), 0);

        var rules = Rules(ledger: Ledger.Restore(first.Ledger.Snapshot(new PolicyVersion(0))));
        OfferRollout(rules).Select(grant => grant.Job.Slot).ShouldBe([new Slot(1, 0), new Slot(1, 1)]);
        rules.Handle(Ready(ScorerNode, WorkerRole.Scorer), 0).ScoreGrants().ShouldHaveSingleItem().Trajectory.Slot.ShouldBe(new Slot(0, 1));
    }

    [Fact]
    public void A_step_nobody_asked_for_is_a_programming_error()
    {
        var rules = Rules();
        Should.Throw<LedgerException>(() => Step(rules, 1)).Message.ShouldBe("step 1 completed while version 0 stands and nothing is trained");
    }

    internal static TrainBatch? Deliver(CoordinatorRules rules, IEnumerable<RolloutLeaseGranted> grants, int turns, long version = 0)
    {
        TrainBatch? batch = null;
        foreach (var grant in grants) batch ??= rules.Handle(Completed(grant, trajectory: Trajectory(grant.Job.Slot, version, turns)), 0).Batch();
        return batch;
    }

    internal static CoordinatorRules Step(CoordinatorRules rules, long version)
    {
        rules.Handle(new StepCompleted(new PolicyVersion(version), new Dictionary<Slot, string>()), 0);
        return rules;
    }
}
