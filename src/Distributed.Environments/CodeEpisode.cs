using Distributed.Environments.Arithmetic;
using Distributed.Environments.Tools;
using Distributed.Ports;

namespace Distributed.Environments;

/// <summary>One problem being worked on with a tool that runs programs.</summary>
/// <param name="tool">Runs them; not disposed with the episode.</param>
/// <param name="golden">Accepted answers.</param>
/// <param name="format">Turn budget and rewards of the ends.</param>
/// <param name="spaced">Numbers are written as <see cref="DigitNotation"/> has them, in programs and in replies.</param>
/// <param name="around">What stands before and after a reply of the tool.</param>
public sealed class CodeEpisode(
    ICodeTool tool, IReadOnlyList<string> golden, EnvironmentFormat format, bool spaced, (string Before, string After) around) : IEpisode
{
    private int turns;

    /// <inheritdoc/>
    public StepResult Step(string action, CancellationToken cancel)
    {
        turns++;
        return CodeFormat.Parse(action) switch
        {
            AgentTurn.Answer answer => NumberAnswer.Judge(answer.Text, golden),
            AgentTurn.Malformed => new StepResult.Finished(Outcome.Malformed, format.Rewards.Malformed),
            AgentTurn.Code when turns >= format.MaxTurns => new StepResult.Finished(Outcome.TurnsExhausted, format.Rewards.TurnsExhausted),
            AgentTurn.Code code => Reply(tool.Run(spaced ? DigitNotation.Join(code.Program) : code.Program, cancel)),
            var other => throw new InvalidOperationException($"no such turn: {other}"),
        };
    }

    /// <summary>Nothing is held.</summary>
    public void Dispose() { }

    private StepResult.Observation Reply(CodeReply reply)
    {
        var text = spaced ? DigitNotation.Spread(reply.Text) : reply.Text;

        // What a program prints must not read like the end of the reply.
        text = text.Replace(TurnFormat.ResultClose, "</ result>", StringComparison.Ordinal);
        return new StepResult.Observation($"{around.Before}{TurnFormat.ResultOpen} {text} {TurnFormat.ResultClose}{around.After}", reply.Failed);
    }
}
