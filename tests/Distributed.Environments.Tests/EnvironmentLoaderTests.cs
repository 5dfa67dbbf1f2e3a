using Distributed.Environments.OwnData;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public sealed class EnvironmentLoaderTests
{
    private static readonly string library = typeof(EnvironmentLoaderTests).Assembly.Location;
    private static readonly Dictionary<string, string> none = [];

    private static string Failure(string? assembly, string type, Dictionary<string, string>? options = null)
    {
        var message = Should.Throw<EnvironmentSetupException>(() => EnvironmentLoader.Load(assembly, type, options ?? none)).Message;
        message.ShouldNotContain("\n");
        return message;
    }

    [Fact]
    public void The_search_world_comes_through_the_same_door()
    {
        var environment = EnvironmentLoader.Load(null, "search-world", new Dictionary<string, string> { ["seed"] = "9", ["level"] = "5" });
        environment.ShouldBeOfType<SearchEnvironment>().Format.MaxTurns.ShouldBe(7);
        Failure("", "search-word").ShouldBe("environment type 'search-word' is not built in: use arithmetic or jsonl-code or jsonl-search or search-world, or name the library it is in (assembly: path)");
        Failure(null, "search-world", new() { ["levle"] = "2" }).ShouldStartWith("environment option levle is unknown: it may be facts_per_passage, ");
        Failure(null, "search-world", new() { ["level"] = "9" }).ShouldBe("environment option level: '9' must be a whole number from 1 to 6");
        Failure(null, "jsonl-search").ShouldBe("environment option train is missing: give the path of a JSONL file of questions");
    }

    [Fact]
    public void A_class_of_ones_own_is_found_by_its_name_and_given_its_options()
    {
        foreach (var name in (string[])["GuessNumber", "MyEnvironments.GuessNumber"])
        {
            var environment = EnvironmentLoader.Load(library, name, new Dictionary<string, string> { ["highest"] = "10" });
            var problem = environment.GetProblem(Split.Train, 4);
            problem.Category.ShouldBe("up to 10");
            using var episode = environment.Start(problem);
            episode.Step("<search> 10 </search>", default).ShouldBeOfType<StepResult.Observation>();
            episode.Step($"<answer> {problem.GoldenAnswers[0]} </answer>", default).ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        }

        Failure(library, "GuessNumber", new() { ["highest"] = "1" }).ShouldBe("environment option highest: '1' must be a whole number from 2 to 1000000");
    }

    [Fact]
    public void A_missing_or_foreign_library_is_named()
    {
        var absent = Path.Combine(AppContext.BaseDirectory, "absent.dll");
        Failure(absent, "X").ShouldBe($"environment assembly {absent}: no such file: build the library or mend assembly:");
        var text = Path.Combine(AppContext.BaseDirectory, "fixtures", "environments", "environments.md");
        Failure(text, "X").ShouldBe($"environment assembly {text}: not a .NET library: give the .dll the build wrote");
    }

    [Fact]
    public void A_missing_class_is_told_with_those_there_are()
    {
        var message = Failure(library, "GuessNumbers");
        message.ShouldStartWith($"environment assembly {library}: no public class 'GuessNumbers': its environments are ");
        message.ShouldContain("MyEnvironments.GuessNumber");
        message.ShouldNotContain("Unfinished");
    }

    [Fact]
    public void A_class_that_is_no_environment_or_cannot_be_made_is_told_what_it_needs()
    {
        Failure(library, nameof(EnvironmentLoaderTests)).ShouldEndWith("does not implement Distributed.Ports.IEnvironment: let the class implement it");
        const string needs = "it must not be abstract and needs a public constructor that takes nothing or an IReadOnlyDictionary<string, string> of options";
        Failure(library, nameof(UnfinishedEnvironment)).ShouldEndWith(needs);
        Failure(library, nameof(DemandingEnvironment)).ShouldEndWith(needs);
        Failure(library, nameof(PlainEnvironment), new() { ["a"] = "1" }).ShouldContain("takes no options, but some are given (a)");
        Failure(library, nameof(BrokenEnvironment)).ShouldEndWith("its constructor failed: FormatException: two lines");
        EnvironmentLoader.Load(library, nameof(PlainEnvironment), none).Count(Split.Train).ShouldBe(0);
    }

    [Fact]
    public void The_page_shows_the_environment_that_is_compiled_here()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "fixtures", "environments");
        var source = File.ReadAllText(Path.Combine(folder, "GuessNumber.cs")).Trim();
        var page = File.ReadAllText(Path.Combine(folder, "environments.md"));
        page.Contains($"```csharp\n{source}\n```", StringComparison.Ordinal).ShouldBeTrue("docs/environments.md must show tests/fixtures/environments/GuessNumber.cs");
    }

    [Fact]
    public void The_page_names_every_option()
    {
        var page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "environments", "environments.md"));
        var world = Failure(null, "search-world", new() { ["zzz"] = "1" });
        var files = new Dictionary<string, string> { ["train"] = "a", ["held_out"] = "b", ["corpus"] = "c", ["zzz"] = "1" };
        var own = Should.Throw<EnvironmentSetupException>(() => new JsonlSearchEnvironment(files)).Message;
        foreach (var message in (string[])[world, own])
        {
            foreach (var option in message[(message.IndexOf("may be ", StringComparison.Ordinal) + 7)..].Split(", "))
                page.Contains($"`{option}`", StringComparison.Ordinal).ShouldBeTrue($"docs/environments.md does not tell of option {option}");
        }
    }
}

public class PlainEnvironment : IEnvironment
{
    public EnvironmentFormat Format => throw new NotSupportedException();

    public long Count(Split split) => 0;

    public Problem GetProblem(Split split, long index) => throw new NotSupportedException();

    public IEpisode Start(Problem problem) => throw new NotSupportedException();
}

public abstract class UnfinishedEnvironment : PlainEnvironment;

public sealed class DemandingEnvironment(int wanted) : PlainEnvironment
{
    public int Wanted { get; } = wanted;
}

public sealed class BrokenEnvironment : PlainEnvironment
{
    public BrokenEnvironment() => throw new FormatException("two\nlines");
}
