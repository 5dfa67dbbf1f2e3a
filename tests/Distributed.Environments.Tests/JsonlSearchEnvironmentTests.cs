using System.Text;

using Distributed.Environments.OwnData;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public sealed class JsonlSearchEnvironmentTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("own-data-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, string.Join('\n', lines));
        return path;
    }

    private Dictionary<string, string> Options() => new()
    {
        ["train"] = Write("train.jsonl",
            """{"id": 1, "question": "Where was Mirel born?", "golden_answers": ["Tira Harbour", "Tira Harbor"], "category": "birth"}""",
            "",
            """{"question": "Who keeps the émigré archive?", "golden_answers": ["Oskan"]}"""),
        ["held_out"] = Write("held.jsonl", """{"question": "What is 東京?", "golden_answers": ["a city"]}"""),
        ["corpus"] = Write("corpus.jsonl",
            """{"id": "0", "contents": "\"Mirel Solberg\"\nMirel Solberg was born in Tira Harbour."}""",
            """{"id": "1", "contents": "\"Emigre archive\"\nThe ÉMIGRÉ archive is kept by Oskan."}""",
            """{"id": 2, "contents": "東京 is a city."}"""),
    };

    private static string Failure(Dictionary<string, string> options)
    {
        var message = Should.Throw<EnvironmentSetupException>(() => new JsonlSearchEnvironment(options)).Message;
        message.ShouldNotContain("\n");
        return message;
    }

    [Fact]
    public void A_passage_that_holds_an_accepted_answer_is_the_one_needed()
    {
        var environment = new JsonlSearchEnvironment(Options());
        environment.Judges.ShouldBe(JudgedSignals.RetrievalRank);
        TurnText Searched(string query) => new($"<search> {query} </search>", "\n<result> .. </result>\n");
        environment.Judge("train-1", [Searched("is kept archive"), Searched("mirel"), Searched("archive"), new("<search> archive </search>", environment.Format.ToolTimeoutReply), new("<answer> Oskan </answer>", null)])
            .Select(turn => turn.RetrievalRank).ShouldBe([1, null, 1, null, null]);
    }

    [Fact]
    public void Own_questions_are_searched_in_the_own_corpus_and_answered()
    {
        var environment = new JsonlSearchEnvironment(Options());
        environment.Count(Split.Train).ShouldBe(2);
        environment.Count(Split.HeldOut).ShouldBe(1);
        var problem = environment.GetProblem(Split.Train, 0);
        (problem.Id, problem.Category).ShouldBe(("train-0", "birth"));
        problem.Prompt.ShouldContain("3 times at most");
        problem.Prompt.ShouldContain("<search> and </search>");
        problem.Prompt.ShouldEndWith("Question: Where was Mirel born?\n");
        problem.GoldenAnswers.ShouldBe(["Tira Harbour", "Tira Harbor"]);
        using var episode = environment.Start(problem);
        episode.Step("<think> look </think>\n<search> where was mirel born </search>", default)
            .ShouldBe(new StepResult.Observation("\n<result>\n[1] Mirel Solberg: Mirel Solberg was born in Tira Harbour.\n</result>\n"));
        episode.Step("<search> emigre ÉMIGRÉ is </search>", default).ShouldBe(new StepResult.Observation(
            "\n<result>\n[1] Emigre archive: The ÉMIGRÉ archive is kept by Oskan.\n[2] 東京 is a city.\n</result>\n"));
        episode.Step("<search> quantum chromodynamics </search>", default)
            .ShouldBe(new StepResult.Observation("\n<result> nothing found </result>\n"));
        episode.Step("<answer> the Tira Harbor. </answer>", default).ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        environment.GetProblem(Split.HeldOut, 0).Category.ShouldBe("all");
        Should.Throw<ArgumentOutOfRangeException>(() => environment.GetProblem(Split.Train, 2));
    }

    [Fact]
    public void Options_shape_the_prompt_the_reply_and_the_reward()
    {
        var options = Options();
        options["instruction"] = "Q: {question} ({searches})";
        options["max_turns"] = "2";
        options["top_k"] = "1";
        options["max_passage_characters"] = "40";
        options["reward"] = "token_f1";
        options["corpus"] = Write("long.jsonl", $$"""{"id": "0", "contents": "{{string.Concat(Enumerable.Repeat("mirel solberg ", 40))}}"}""");
        var environment = new JsonlSearchEnvironment(options);
        var problem = environment.GetProblem(Split.Train, 0);
        problem.Prompt.ShouldBe("Q: Where was Mirel born? (1)");
        using var episode = environment.Start(problem);
        episode.Step("<search> mirel </search>", default)
            .ShouldBe(new StepResult.Observation("\n<result>\n[1] mirel solberg mirel solberg mirel ...\n</result>\n"));
        episode.Step("<search> mirel </search>", default).ShouldBe(new StepResult.Finished(Outcome.TurnsExhausted, -1));
        environment.Start(problem).Step("<answer> Tira </answer>", default).ShouldBe(new StepResult.Finished(Outcome.Wrong, 2.0 / 3));
        options["instruction"] = "no place";
        Failure(options).ShouldContain("write {question} where it belongs");
    }

    [Theory]
    [InlineData("{\"question\": \"q\"", "not JSON (at byte 16)")]
    [InlineData("hello", "not JSON (at byte 0)")]
    [InlineData("[1]", "not a JSON object")]
    [InlineData("{\"golden_answers\": [\"x\"]}", "\"question\" is missing")]
    [InlineData("{\"question\": 3, \"golden_answers\": [\"x\"]}", "\"question\" is not a text")]
    [InlineData("{\"question\": \" \", \"golden_answers\": [\"x\"]}", "\"question\" is empty")]
    [InlineData("{\"question\": \"q\"}", "\"golden_answers\" is missing")]
    [InlineData("{\"question\": \"q\", \"golden_answers\": \"x\"}", "\"golden_answers\" is not a list of at least one answer")]
    [InlineData("{\"question\": \"q\", \"golden_answers\": []}", "\"golden_answers\" is not a list of at least one answer")]
    [InlineData("{\"question\": \"q\", \"golden_answers\": [\"x\", 1]}", "an answer in \"golden_answers\" is not a text")]
    [InlineData("{\"question\": \"q\", \"golden_answers\": [\"\"]}", "an answer in \"golden_answers\" is empty")]
    public void A_bad_question_is_told_with_its_file_and_line(string line, string problem)
    {
        var options = Options();
        options["held_out"] = Write("bad.jsonl", """{"question": "q", "golden_answers": ["x"]}""", "", line);
        Failure(options).ShouldBe($"{options["held_out"]}:3: {problem}: every line must be {{\"question\": \"...\", \"golden_answers\": [\"...\", ...]}}");
    }

    [Theory]
    [InlineData("{\"contents\": \"x\"}", "\"id\" is missing")]
    [InlineData("{\"id\": null, \"contents\": \"x\"}", "\"id\" is neither a text nor a number")]
    [InlineData("{\"id\": 1, \"text\": \"x\"}", "\"contents\" is missing")]
    [InlineData("{\"id\": 1, \"contents\": \"\\n \"}", "\"contents\" is empty")]
    public void A_bad_passage_is_told_with_its_file_and_line(string line, string problem)
    {
        var options = Options();
        options["corpus"] = Write("bad.jsonl", line);
        Failure(options).ShouldBe($"{options["corpus"]}:1: {problem}: every line must be {{\"id\": \"...\", \"contents\": \"...\"}}");
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_told_with_their_line()
    {
        var options = Options();
        byte[] line = [.. Encoding.ASCII.GetBytes("{\"id\": 1, \"contents\": \""), 0xFF, 0xFE, (byte)'"', (byte)'}'];
        File.WriteAllBytes(options["corpus"], line);
        Failure(options).ShouldStartWith($"{options["corpus"]}:1: ");
    }

    [Fact]
    public void Missing_and_empty_files_are_named()
    {
        var options = Options();
        options["train"] = Path.Combine(folder, "absent.jsonl");
        Failure(options).ShouldBe($"{options["train"]}: no such file: mend the path or put the file there");
        options["train"] = Write("empty.jsonl", "", " ");
        Failure(options).ShouldStartWith($"{options["train"]}: holds no question");
        options = Options();
        options["corpus"] = Write("empty.jsonl");
        Failure(options).ShouldBe($"{options["corpus"]}: holds no passage: there is nothing to search in");
        options["corpus"] = folder;
        Failure(options).ShouldStartWith($"{folder}: cannot be read (");
    }

    [Fact]
    public void A_corpus_larger_than_allowed_is_refused()
    {
        var options = Options();
        options["max_passages"] = "2";
        Failure(options).ShouldBe("the corpus has more than 2 passages: raise max_passages or split the corpus");
        options["max_passages"] = "3";
        options["max_questions"] = "1";
        Failure(options).ShouldBe($"{options["train"]}: more than 1 questions: raise max_questions or shorten the file");
    }

    [Fact]
    public void Lines_may_be_long_end_in_carriage_returns_and_begin_with_a_byte_order_mark()
    {
        var longText = new string('x', 300_000);
        var path = Path.Combine(folder, "long.jsonl");
        File.WriteAllText(path, $"{{\"id\": 1, \"contents\": \"{longText}\"}}\r\n\r\n{{\"id\": 2, \"contents\": \"b\"}}", new UTF8Encoding(true));
        CorpusFile.Read(path).Select(passage => passage.Text).ShouldBe([longText, "b"]);
    }
}
