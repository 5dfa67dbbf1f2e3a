using Distributed.Actors.Coordination;
using Distributed.Protocol;
using static Distributed.Actors.Tests.Coordination.CoordinatorRulesTests;
using static Distributed.Actors.Tests.Coordination.Samples;

namespace Distributed.Actors.Tests.Coordination;

/// <summary>When held-out episodes are played, and that nothing of them gets into training.</summary>
public sealed class EvaluationRulesTests
{
    [Fact]
    public void An_evaluation_is_at_exactly_one_version_and_blocks_training()
    {
        var rules = Rules(Options with { EvaluationQuestions = 2, NeedsScores = false });
        var old = rules.Handle(Ready(new NodeId("old"), WorkerRole.Rollout, version: -1), 0);
        old.Grants().ShouldBeEmpty();
        var grants = OfferRollout(rules, capacity: 6);
        var (questions, rollouts) = (grants.Where(grant => grant.Job.HeldOut).ToArray(), grants.Where(grant => !grant.Job.HeldOut).ToArray());
        questions.Select(grant => (grant.Job.ProblemIndex, grant.Job.Greedy)).ShouldBe([(0L, true), (1L, true)]);
        questions.ShouldAllBe(grant => EvaluationRound.Owns(grant.Job.Slot));
        Deliver(rules, rollouts, turns: 1).ShouldBeNull("the evaluation is under way");
        rules.DescribeWaits().ShouldStartWith("the evaluation of version 0 waits for 2 episodes");

        rules.Handle(Completed(questions[0], trajectory: Trajectory(questions[0].Job.Slot)), 0).Batch().ShouldBeNull();
        var effects = rules.Handle(Completed(questions[1], trajectory: Trajectory(questions[1].Job.Slot, end: EpisodeEnd.Wrong, category: "hard")), 0);
        var finished = Evaluations.Summarise(effects.OfType<Effect.Evaluated>().ShouldHaveSingleItem());
        finished.Version.Value.ShouldBe(0);
        finished.Success.ShouldBe(0.5);
        finished.Categories.Select(category => (category.Category, category.Correct, category.Questions)).ShouldBe([("any", 1, 1), ("hard", 0, 1)]);
        effects.Batch().ShouldNotBeNull();
    }

    [Fact]
    public void Late_answers_never_cross_between_evaluation_and_training()
    {
        // Both leases run out; then each answer comes after all. The slots' numbers are as alike as they can be.
        var rules = Rules(Options with { EvaluationQuestions = 1, NeedsScores = false });
        var grants = OfferRollout(rules, capacity: 2);
        var (question, rollout) = (grants[0], grants[1]);
        (question.Job.HeldOut, rollout.Job.HeldOut, question.Job.Slot.Sample, rollout.Job.Slot.Sample).ShouldBe((true, false, 0, 0));
        rules.NodeLost(RolloutNode, 0);

        var effects = rules.Handle(Completed(rollout, trajectory: Trajectory(rollout.Job.Slot, turns: 1)), 0);
        effects.OfType<Effect.Evaluated>().ShouldBeEmpty();
        rules.Ledger.Find(rollout.Job.Slot)!.State.ShouldBe(SlotState.Scored);
        effects = rules.Handle(Completed(question, trajectory: Trajectory(question.Job.Slot, turns: 1)), 0);
        effects.OfType<Effect.Evaluated>().ShouldHaveSingleItem().Trajectories.ShouldHaveSingleItem().Slot.ShouldBe(question.Job.Slot);
        rules.Handle(Completed(question, trajectory: Trajectory(question.Job.Slot, turns: 1)), 0);
        rules.SecondAnswers.ShouldBe(1);
        rules.Ledger.Groups.Values.SelectMany(slots => slots).Count(slot => slot.Trajectory != null).ShouldBe(1);
    }

    [Fact]
    public void A_held_out_episode_that_always_fails_counts_as_wrong()
    {
        var rules = Rules(Options with { EvaluationQuestions = 1 });
        var grant = OfferRollout(rules, capacity: 1)[0];
        IReadOnlyList<Effect> effects = [];
        for (var attempt = 0; attempt < Options.MaxAttempts; attempt++)
        {
            effects = rules.Handle(new LeaseFailed(grant.Lease, Epoch, RolloutNode, "boom", Declined: false), 0);
            if (effects.Grants() is [{ Job.HeldOut: true } next]) grant = next;
        }

        effects.Notices().ShouldBe(["held-out episode 0 given up after 3 attempts: boom"]);
        var finished = Evaluations.Summarise(effects.OfType<Effect.Evaluated>().ShouldHaveSingleItem());
        (finished.Success, finished.Categories.Single().Category).ShouldBe((0, Evaluations.GivenUp));
    }

    [Theory]
    [InlineData(0, new long[] { 0, 3 })]
    [InlineData(1, new long[] { 0, 1, 2, 3 })]
    [InlineData(2, new long[] { 0, 2, 3 })]
    public void Evaluations_come_before_the_first_step_every_so_many_and_after_the_last(long every, long[] expected)
    {
        var rules = Rules(Options with { EvaluationQuestions = 1, EvaluationEverySteps = every, NeedsScores = false });
        var evaluated = new List<long>();
        var finished = false;
        for (long version = 0; version <= 3; version++)
        {
            foreach (var grant in OfferRollout(rules, version: version, incarnation: version + 1))
            {
                var effects = rules.Handle(Completed(grant, trajectory: Trajectory(grant.Job.Slot, version, turns: 1)), 0);
                evaluated.AddRange(effects.OfType<Effect.Evaluated>().Select(evaluation => evaluation.Version.Value));
                finished |= effects.OfType<Effect.Finished>().Any();
                if (effects.Batch() != null) break;
            }

            if (version < 3) Step(rules, version + 1);
        }

        evaluated.ShouldBe(expected);
        finished.ShouldBeTrue();
    }
}
