using System.Globalization;

using Distributed.Environments.Tools;
using Distributed.Ports;

namespace Distributed.Environments.Arithmetic;

/// <summary>
/// Arithmetic word problems as an environment: problems without end, solved by programs that a tool runs, and demonstrations for a warm start. A
/// number has up to six digits on the way, too many for a small model to reckon with, but it can copy them into a program.
/// </summary>
public sealed class ArithmeticEnvironment : IEnvironment, IDemonstrator, IDisposable
{
    private const ulong DemonstrationPurpose = 5;

    private readonly ArithmeticOptions options;
    private readonly WordProblems problems;
    private readonly ArithmeticDemonstrations demonstrations;
    private readonly ICodeTool tool;

    /// <summary>Of options as a recipe names them.</summary>
    /// <exception cref="EnvironmentSetupException">An option is unknown or wrong, or this machine cannot run the tool.</exception>
    public ArithmeticEnvironment(IReadOnlyDictionary<string, string> options)
        : this(ArithmeticOptions.Parse(options)) { }

    /// <summary>Of options.</summary>
    /// <exception cref="EnvironmentSetupException">This machine cannot run the tool.</exception>
    public ArithmeticEnvironment(ArithmeticOptions options)
    {
        this.options = options;
        problems = new WordProblems(options.Seed);
        demonstrations = new ArithmeticDemonstrations(StableHash.Of(options.Seed, DemonstrationPurpose), options.MaxTurns);
        tool = options.Tool.Create();
        Format = new EnvironmentFormat(
            CodeFormat.StopStrings,
            AnswerPrefix: TurnFormat.AnswerOpen + " ",
            AnswerSuffix: " " + TurnFormat.AnswerClose,
            options.MaxTurns,
            options.MaxTurnTokens,
            options.ToolTimeLimit,
            CodeFormat.NoReply,
            options.Rewards);
    }

    /// <inheritdoc/>
    public EnvironmentFormat Format { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ArithmeticDemonstrations.AllKinds;

    /// <inheritdoc/>
    public long Count(Split split) => long.MaxValue;

    /// <inheritdoc/>
    public Problem GetProblem(Split split, long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var problem = problems.Get(split, index, options.Mix(split));
        var id = string.Create(CultureInfo.InvariantCulture, $"{(split == Split.Train ? "train" : "held-out")}-{index}");
        var steps = problem.Steps.Length;
        var category = steps == 1 ? "1 operation" : string.Create(CultureInfo.InvariantCulture, $"{steps} operations");
        return new Problem(id, problem.Text, [DigitNotation.Of(problem.Answer)], category);
    }

    /// <inheritdoc/>
    public IEpisode Start(Problem problem) => new CodeEpisode(tool, problem.GoldenAnswers, Format, spaced: true, ("", ""));

    /// <inheritdoc/>
    public Demonstration GetDemonstration(string kind, long index) => demonstrations.Get(kind, index);

    /// <summary>Ends the tool.</summary>
    public void Dispose() => tool.Dispose();
}
