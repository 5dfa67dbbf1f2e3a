using Distributed.Node.Commands;

namespace Distributed.Node.Tests.Commands;

[Collection(nameof(Console))]
public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static (int Code, string Out, string Error) Run(params string[] args)
    {
        var (standardOut, standardError) = (Console.Out, Console.Error);
        using var output = new StringWriter();
        using var error = new StringWriter();
        try
        {
            Console.SetOut(output);
            Console.SetError(error);
            return (CommandLine.Run(args, CancellationToken.None), output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(standardOut);
            Console.SetError(standardError);
        }
    }

    private string WriteRecipe(string yaml)
    {
        File.WriteAllText(folder["recipe.yaml"], yaml);
        return folder["recipe.yaml"];
    }

    public static TheoryData<string[]> WrongCommands => new(
        ["tran"],
        ["train", "nowhere.yaml"],
        ["train", "--set", "stps=3"],
        ["train", "--seed", "x"],
        ["train", "--resume", "nowhere"],
        ["train", "a.yaml", "--resume", "nowhere"],
        ["eval", "nowhere"],
        ["eval"],
        ["sft", "nowhere.yaml", "--out", "x"],
        ["inspect", "nowhere"],
        ["inspect", ".", "--outcome", "great"],
        ["report", "nowhere"],
        ["compare", "nowhere.yaml"],
        ["options", "no-such-option"]);

    [Theory]
    [MemberData(nameof(WrongCommands))]
    public void Whatever_is_wrong_is_one_line_and_a_non_zero_exit_code(string[] args)
    {
        var (code, _, error) = Run(args);
        code.ShouldNotBe(0);
        error.TrimEnd('\n', '\r').Split('\n').ShouldHaveSingleItem().ShouldStartWith("distributed: ");
        error.ShouldNotContain("   at ");
    }

    [Fact]
    public void A_recipe_that_is_refused_names_its_line() =>
        Run("train", WriteRecipe("model: m\nsteps: -3\n")).Error.ShouldBe($"distributed: {folder["recipe.yaml"]}:2: steps cannot be -3; give a number from 1 to 100000000{Environment.NewLine}");

    [Fact]
    public void A_model_folder_that_is_missing_is_named()
    {
        var (code, _, error) = Run("train", WriteRecipe("model: no-model\n"), "--out", folder["run"]);
        code.ShouldBe(1);
        error.ShouldContain(folder["no-model"]);
    }

    [Fact]
    public void Debug_shows_where_a_failure_came_from() => Run("--debug", "report", "nowhere").Error.ShouldContain("   at ");

    [Fact]
    public void Help_names_every_command_and_begins_with_examples()
    {
        var (code, text, _) = Run("--help");
        code.ShouldBe(0);
        foreach (var command in new[] { "train", "sft", "eval", "inspect", "report", "options", "model" })
        {
            text.ShouldContain($"\n  {command} ");
        }
        text.ShouldContain("./distributed train --set algorithm=grpo --seed 2");
    }

    [Fact]
    public void Options_can_be_looked_up()
    {
        var (code, text, _) = Run("options", "clip_ratio_low");
        code.ShouldBe(0);
        text.ShouldStartWith("loss.clip_ratio_low (default 0.2; 0.003 for turn; 0.0003 for gspo; 1 for cispo)");
    }
}

[CollectionDefinition(nameof(Console), DisableParallelization = true)]
public sealed class ConsoleCollection;
