using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Distributed.Environments.OwnData;

/// <summary>A question of one's own.</summary>
/// <param name="Text">The question.</param>
/// <param name="GoldenAnswers">Accepted answers, at least one.</param>
/// <param name="Category">What evaluations are broken down by.</param>
public sealed record OwnQuestion(string Text, ImmutableArray<string> GoldenAnswers, string Category);

/// <summary>
/// Questions as JSONL, as Search-R1 has them: <c>question</c>, <c>golden_answers</c> (a list) or <c>answer</c> (one text), and optionally
/// <c>category</c>.
/// </summary>
public static class QuestionFile
{
    private const string Wanted = """{"question": "...", "golden_answers": ["...", ...]}""";

    /// <summary>Reads all questions of a file.</summary>
    /// <exception cref="EnvironmentSetupException">The file or a line of it is unusable, or it holds no or too many questions.</exception>
    public static IReadOnlyList<OwnQuestion> Read(string path, int mostQuestions)
    {
        var questions = new List<OwnQuestion>();
        foreach (var question in JsonLines.Read(path, Wanted, ReadQuestion))
        {
            if (questions.Count == mostQuestions)
                throw new EnvironmentSetupException(string.Create(CultureInfo.InvariantCulture, $"{path}: more than {mostQuestions} questions: raise max_questions or shorten the file"));
            questions.Add(question);
        }

        return questions.Count > 0 ? questions : throw new EnvironmentSetupException($"{path}: holds no question: every line must be {Wanted}");
    }

    private static OwnQuestion ReadQuestion(JsonElement line)
    {
        var text = JsonLines.Text(line, "question").Trim();
        if (text.Length == 0)
            throw new LineException("\"question\" is empty");
        var category = line.TryGetProperty("category", out _) ? JsonLines.Text(line, "category") : "all";
        if (!line.TryGetProperty("golden_answers", out var answers))
        {
            if (!line.TryGetProperty("answer", out var one))
                throw new LineException("\"golden_answers\" is missing");
            var only = JsonLines.AsText(one, "\"answer\"").Trim();
            return new OwnQuestion(text, [only.Length > 0 ? only : throw new LineException("\"answer\" is empty")], category);
        }

        if (answers.ValueKind != JsonValueKind.Array || answers.GetArrayLength() == 0)
            throw new LineException("\"golden_answers\" is not a list of at least one answer");
        var golden = ImmutableArray.CreateBuilder<string>(answers.GetArrayLength());
        foreach (var answer in answers.EnumerateArray())
        {
            var accepted = JsonLines.AsText(answer, "an answer in \"golden_answers\"").Trim();
            golden.Add(accepted.Length > 0 ? accepted : throw new LineException("an answer in \"golden_answers\" is empty"));
        }

        return new OwnQuestion(text, golden.MoveToImmutable(), category);
    }
}
