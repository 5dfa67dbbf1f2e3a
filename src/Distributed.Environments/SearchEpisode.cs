using Distributed.Environments.Answers;
using Distributed.Environments.Search;
using Distributed.Ports;

namespace Distributed.Environments;

/// <summary>One question being worked on with the search tool.</summary>
/// <param name="tool">Answers searches.</param>
/// <param name="golden">Accepted answers.</param>
/// <param name="format">Turn budget and rewards of the ends.</param>
/// <param name="reward">How an answer is rewarded.</param>
/// <param name="around">What stands before and after a reply of the tool.</param>
public sealed class SearchEpisode(
    SearchTool tool, IReadOnlyList<string> golden, EnvironmentFormat format, AnswerReward reward, (string Before, string After) around) : IEpisode
{
    private int turns;

    /// <inheritdoc/>
    public StepResult Step(string action, CancellationToken cancel)
    {
        turns++;
        return TurnFormat.Parse(action) switch
        {
            AgentTurn.Answer answer => reward.Judge(answer.Text, golden),
            AgentTurn.Malformed => new StepResult.Finished(Outcome.Malformed, format.Rewards.Malformed),
            AgentTurn.Search when turns >= format.MaxTurns => new StepResult.Finished(Outcome.TurnsExhausted, format.Rewards.TurnsExhausted),
            AgentTurn.Search search => new StepResult.Observation(around.Before + tool.Reply(search.Query, cancel) + around.After),
            var other => throw new InvalidOperationException($"no such turn: {other}"),
        };
    }

    /// <summary>Nothing is held.</summary>
    public void Dispose() { }
}
