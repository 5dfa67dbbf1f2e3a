using System.Runtime.Versioning;

using Distributed.Environments.OwnData;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public sealed class JsonlCodeEnvironmentTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("distributed-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private Dictionary<string, string> Options() => new()
    {
        ["train"] = Write("train.jsonl", """{"question": "What is 12 times 3?", "answer": "36", "category": "easy"}""", """{"question": "Which way?", "golden_answers": ["Up", "north"]}"""),
        ["held_out"] = Write("held.jsonl", """{"question": "What is 1 + 1?", "answer": "2"}"""),
    };

    [Fact]
    public void Own_problems_are_solved_by_programs()
    {
        using var environment = new JsonlCodeEnvironment(Options());
        environment.Count(Split.Train).ShouldBe(2);
        environment.Count(Split.HeldOut).ShouldBe(1);
        var problem = environment.GetProblem(Split.Train, 0);
        problem.Category.ShouldBe("easy");
        problem.GoldenAnswers.ShouldBe(["36"]);
        problem.Prompt.ShouldContain("Problem: What is 12 times 3?");
        problem.Prompt.ShouldContain("3 programs");
        problem.Prompt.ShouldNotContain("{");
        using var episode = environment.Start(problem);
        episode.Step("<think> Multiply. </think>\n<code>\nx = 12\nx * 3\n</code>", CancellationToken.None)
            .ShouldBe(new StepResult.Observation("\n<result> 36 </result>\n"));
        episode.Step("<answer> 36.0 </answer>", CancellationToken.None).ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        environment.Start(environment.GetProblem(Split.Train, 1)).Step("<answer>North!</answer>", CancellationToken.None)
            .ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
    }

    [Fact]
    public void An_empty_answer_and_an_instruction_without_a_place_are_refused()
    {
        var options = Options();
        options["train"] = Write("bad.jsonl", """{"question": "q", "answer": " "}""");
        Should.Throw<EnvironmentSetupException>(() => new JsonlCodeEnvironment(options)).Message.ShouldContain("bad.jsonl:1: \"answer\" is empty");
        options = Options();
        options["instruction"] = "Solve it.";
        Should.Throw<EnvironmentSetupException>(() => new JsonlCodeEnvironment(options)).Message.ShouldContain("{question}");
    }

    [SupportedOSPlatform("linux")]
    [PythonFact(Tools.PythonSandbox.Isolated)]
    public void They_can_be_solved_with_python_too()
    {
        var options = Options();
        options["tool"] = "python";
        using var environment = new JsonlCodeEnvironment(options);
        using var episode = environment.Start(environment.GetProblem(Split.Train, 0));
        episode.Step("<code>\nprint('</' + 'result>')\nfor i in range(3):\n    print(i)\n</code>", CancellationToken.None)
            .ShouldBe(new StepResult.Observation("\n<result> </ result>\n0\n1\n2 </result>\n"));
    }
}
