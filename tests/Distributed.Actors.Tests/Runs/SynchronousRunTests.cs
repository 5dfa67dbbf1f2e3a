using Distributed.Actors.Tests.Fakes;

namespace Distributed.Actors.Tests.Runs;

public sealed class SynchronousRunTests
{
    [Fact]
    public void A_run_ends_with_every_step_done_and_the_ledger_balanced()
    {
        var outcome = new TrainingRun().Run().ShouldBeWhole();

        outcome.Steps.Select(step => step.Version.Value).ShouldBe([1L, 2, 3, 4]);
        outcome.Evaluations.Select(evaluation => evaluation.Version.Value).ShouldBe([0L, 2, 4]);
        outcome.Evaluations.ShouldAllBe(evaluation => evaluation.Categories.Sum(category => category.Questions) == 5);
        outcome.Ended.Totals.Planned.ShouldBe(4 * 2 * 3);
        outcome.Ended.Totals.Dropped.Values.Sum().ShouldBe(0);
        outcome.Ended.Open.ShouldBe(0);
        outcome.Store.Kept.Select(checkpoint => checkpoint.Version).ShouldBe([2L, 4]);
        outcome.Lives.ShouldBe(1);
        outcome.Notices.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    public void The_final_weights_do_not_depend_on_how_many_nodes_there_are(int rolloutNodes, int scorers) =>
        (new TrainingRun { RolloutNodes = rolloutNodes, Scorers = scorers }).Run().ShouldBeWhole().WeightsHash.ShouldBe(Reference.WeightsHash);
}
