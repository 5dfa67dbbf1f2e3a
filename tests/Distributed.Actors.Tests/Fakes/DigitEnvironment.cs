using System.Globalization;
using Distributed.Ports;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>
/// Guess a digit: <c>L4;</c> looks something up and is answered <c>r4;</c>, <c>A7;</c> answers. Anything else is malformed.
/// <see cref="OnStep"/> is called first in every step and may throw or hang.
/// </summary>
public sealed class DigitEnvironment : IEnvironment
{
    public Action<string, CancellationToken> OnStep { get; init; } = (_, _) => { };

    public TimeSpan StepLimit { get; init; } = TimeSpan.FromSeconds(5);

    public EnvironmentFormat Format => new([";"], "A", ";", MaxTurns: 4, MaxTurnTokens: 8, StepLimit, "?;", new OutcomeRewards());

    public long Count(Split split) => split == Split.Train ? 7 : 5;

    public Problem GetProblem(Split split, long index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count(split));
        var golden = (index * 3 + (split == Split.Train ? 1 : 2)) % 3;
        return new Problem(
            $"{split}-{index}", string.Create(CultureInfo.InvariantCulture, $"q{index}{(split == Split.Train ? 't' : 'h')};"),
            [golden.ToString(CultureInfo.InvariantCulture)], index % 2 == 0 ? "even" : "odd");
    }

    public IEpisode Start(Problem problem) => new Episode(this, problem);

    private sealed class Episode(DigitEnvironment environment, Problem problem) : IEpisode
    {
        public StepResult Step(string action, CancellationToken cancel)
        {
            environment.OnStep(action, cancel);
            if (action.Length != 3 || action[2] != ';') return new StepResult.Finished(Outcome.Malformed, -1);
            return action[0] switch
            {
                'L' => new StepResult.Observation($"r{action[1]};"),
                'A' when action[1..2] == problem.GoldenAnswers[0] => new StepResult.Finished(Outcome.Correct, 1),
                'A' => new StepResult.Finished(Outcome.Wrong, 0),
                _ => new StepResult.Finished(Outcome.Malformed, -1),
            };
        }

        public void Dispose() { }
    }
}
