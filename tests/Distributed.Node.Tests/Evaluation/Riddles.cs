using System.Globalization;
using Distributed.Ports;

namespace Distributed.Node.Tests.Evaluation;

/// <summary>
/// Riddle i asks "?i:" and is solved by "i!"; "look;" shows "(i)" and "crash;" throws. Even riddles are easy, odd ones hard. Three turns at most.
/// </summary>
internal sealed class Riddles(long heldOut = long.MaxValue) : IEnvironment, IDemonstrator
{
    private int open;

    public int OpenEpisodes => open;

    public EnvironmentFormat Format { get; } = new(
        [";", "!"], "", "!", MaxTurns: 3, MaxTurnTokens: 20, TimeSpan.FromSeconds(20), "(no reply)", new OutcomeRewards(-1, -2, -3));

    public IReadOnlyList<string> Kinds => ["solved", "looked"];

    public long Count(Split split) => split == Split.HeldOut ? heldOut : long.MaxValue;

    public Problem GetProblem(Split split, long index)
    {
        var name = index.ToString(CultureInfo.InvariantCulture);
        return new(name, $"?{name}:", [name], index % 2 == 0 ? "easy" : "hard");
    }

    public IEpisode Start(Problem problem)
    {
        Interlocked.Increment(ref open);
        return new Riddle(this, problem);
    }

    public Demonstration GetDemonstration(string kind, long index) => new(kind == "solved"
        ? [new($"?{index}:", false), new($"{index}!", true)]
        : [new($"?{index}:", false), new("look;", true), new($"({index})", false), new($"{index}!", true)]);

    private sealed class Riddle(Riddles owner, Problem problem) : IEpisode
    {
        public StepResult Step(string action, CancellationToken cancel) => action switch
        {
            "look;" => new StepResult.Observation($"({problem.Id})"),
            "crash;" => throw new InvalidOperationException("crashed on purpose"),
            _ when action == problem.Id + "!" => new StepResult.Finished(Outcome.Correct, 1),
            _ when action.EndsWith('!') => new StepResult.Finished(Outcome.Wrong, 0),
            _ => new StepResult.Finished(Outcome.Malformed, -1),
        };

        public void Dispose() => Interlocked.Decrement(ref owner.open);
    }
}
