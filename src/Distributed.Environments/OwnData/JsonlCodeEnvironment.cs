using System.Globalization;

using Distributed.Environments.Tools;
using Distributed.Ports;

namespace Distributed.Environments.OwnData;

/// <summary>
/// Problems of one's own, from JSONL files, solved by programs that a tool runs. The prompt explains the format in words; answers that are numbers
/// are compared as numbers.
/// </summary>
public sealed class JsonlCodeEnvironment : IEnvironment, IDisposable
{
    /// <summary>The prompt unless the option instruction replaces it; {programs}, {language} and {question} are filled in.</summary>
    public const string Instruction = """
        Solve the problem. You can run programs before you answer.
        Think between <think> and </think> before every step. To run a program, write it between <code> and </code>, in {language}; what it prints and the value of its last line come back between <result> and </result>. Every program starts anew. You can run {programs} programs at most.
        When you know the answer, write it between <answer> and </answer>, without an explanation, for example <answer> 42 </answer>.
        Problem: {question}

        """;

    private readonly IReadOnlyList<OwnQuestion> train;
    private readonly IReadOnlyList<OwnQuestion> heldOut;
    private readonly ICodeTool tool;
    private readonly string instruction;
    private readonly string language;

    /// <summary>Reads the files the options name (docs/environments.md lists the options).</summary>
    /// <exception cref="EnvironmentSetupException">An option or a file is wrong, or this machine cannot run the tool.</exception>
    public JsonlCodeEnvironment(IReadOnlyDictionary<string, string> options)
    {
        var read = new OptionReader(options);
        var trainFile = read.Required("train", "the path of a JSONL file of problems");
        var heldOutFile = read.Required("held_out", "the path of a JSONL file of problems that are never learnt from");
        var mostQuestions = read.Whole("max_questions", 2_000_000, 1, 100_000_000);
        instruction = read.Text("instruction", Instruction);
        if (!instruction.Contains("{question}", StringComparison.Ordinal))
            throw new EnvironmentSetupException("environment option instruction: has no place for the problem: write {question} where it belongs");
        var toolOptions = CodeToolOptions.Read(read, new CodeToolOptions());
        language = toolOptions.Kind == CodeToolKind.Python ? "Python" : "whole-number arithmetic as Python writes it (+ - * // % and names)";
        Format = new EnvironmentFormat(
            CodeFormat.StopStrings,
            AnswerPrefix: read.Text("answer_prefix", "<think> Now I know enough to answer. </think>\n<answer>") + " ",
            AnswerSuffix: " " + TurnFormat.AnswerClose,
            MaxTurns: read.Whole("max_turns", 4, 1, 64),
            MaxTurnTokens: read.Whole("max_turn_tokens", 512, 5, 65536),
            SearchWorldOptions.ReadTimeLimit(read, TimeSpan.FromSeconds(30)),
            ToolTimeoutReply: $"\n{CodeFormat.NoReply}\n",
            SearchWorldOptions.ReadRewards(read, new OutcomeRewards()));
        read.RefuseOthers();
        train = QuestionFile.Read(trainFile, mostQuestions);
        heldOut = QuestionFile.Read(heldOutFile, mostQuestions);
        tool = toolOptions.Create();
    }

    /// <inheritdoc/>
    public EnvironmentFormat Format { get; }

    /// <inheritdoc/>
    public long Count(Split split) => Questions(split).Count;

    /// <inheritdoc/>
    public Problem GetProblem(Split split, long index)
    {
        var questions = Questions(split);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, questions.Count);
        var question = questions[(int)index];
        var prompt = instruction
            .Replace("{programs}", (Format.MaxTurns - 1).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{language}", language, StringComparison.Ordinal)
            .Replace("{question}", question.Text, StringComparison.Ordinal);
        var id = string.Create(CultureInfo.InvariantCulture, $"{(split == Split.Train ? "train" : "held-out")}-{index}");
        return new Problem(id, prompt, question.GoldenAnswers, question.Category);
    }

    /// <inheritdoc/>
    public IEpisode Start(Problem problem) => new CodeEpisode(tool, problem.GoldenAnswers, Format, spaced: false, ("\n", "\n"));

    /// <summary>Ends the tool.</summary>
    public void Dispose() => tool.Dispose();

    private IReadOnlyList<OwnQuestion> Questions(Split split) => split == Split.Train ? train : heldOut;
}
