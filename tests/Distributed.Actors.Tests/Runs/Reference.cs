namespace Distributed.Actors.Tests.Runs;

/// <summary>An undisturbed run, done once for all tests that compare with it.</summary>
public static class Reference
{
    private static readonly Lazy<RunOutcome> Undisturbed = new(() => new TrainingRun().Run().ShouldBeWhole());

    public static RunOutcome Run => Undisturbed.Value;

    public static string WeightsHash => Run.WeightsHash;
}
