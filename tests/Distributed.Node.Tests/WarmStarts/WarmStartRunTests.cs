using Distributed.Environments.Hosting;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Node.Tests.Evaluation;
using Distributed.Node.WarmStarts;

namespace Distributed.Node.Tests.WarmStarts;

public sealed class WarmStartRunTests : IDisposable
{
    private readonly EnvironmentHost host = new(new("(no reply)"));
    private readonly Dictionary<ulong, ScriptedEngine> engines = [];
    private readonly List<StepReport> reports = [];
    private readonly List<string> notices = [];

    public void Dispose() => host.Dispose();

    private static readonly WarmStartRecipe Recipe = new()
    {
        Seed = 5,
        Restarts = 2,
        Questions = 20,
        Stages =
        [
            new() { Mix = new Dictionary<string, double> { ["solved"] = 1 }, Steps = 9, BatchSize = 2, Until = new() { Category = "easy", Success = 0.98, EverySteps = 2, Questions = 4 } },
            new() { Mix = new Dictionary<string, double> { ["solved"] = 0.25, ["looked"] = 0.75 }, Steps = 4, BatchSize = 100 },
        ],
    };

    // The engine made from a seed can solve riddles once it has been trained for some steps.
    private WarmStartResult Run(WarmStartRecipe recipe, Func<ulong, int> solvesAfter)
    {
        var riddles = new Riddles();
        var parts = new WarmStartParts(riddles, riddles, host, new CharacterTokenizer(), seed =>
        {
            ScriptedEngine engine = null!;
            engine = new ScriptedEngine(text => engine.Trained.Count >= solvesAfter(seed) ? text[1..^1] + "!" : "x!");
            return engines[seed] = engine;
        });
        return new WarmStartRun(recipe, parts, reports.Add, notices.Add, TimeProvider.System).Run(CancellationToken.None);
    }

    [Fact]
    public void A_stage_with_an_aim_ends_when_it_is_reached()
    {
        var result = Run(Recipe, _ => 3);
        result.Steps.ShouldBe(4 + 4);
        result.Seed.ShouldBe(5UL);
        result.Summary.Total.Success.ShouldBe(1);
        notices.ShouldBe(["stage 1 reached 1.000 on 'easy' after 4 steps"]);
        engines[5].Resets.ShouldBe(2, "each stage begins with fresh moments");
        engines[5].Disposed.ShouldBeFalse();
    }

    [Fact]
    public void A_stage_that_misses_its_aim_begins_again_from_the_next_seed()
    {
        var result = Run(Recipe, seed => seed == 7 ? 1 : int.MaxValue);
        result.Seed.ShouldBe(7UL);
        result.Steps.ShouldBe(2 + 4);
        engines[5].Disposed.ShouldBeTrue();
        engines[6].Disposed.ShouldBeTrue();
        notices.Count.ShouldBe(5);
        notices[0].ShouldBe("stage 1 did not reach 0.980 on 'easy' in 9 steps");
        notices[1].ShouldBe("beginning again from the initial weights of seed 6");
    }

    [Fact]
    public void When_no_seed_reaches_the_aim_it_is_said_in_one_line() =>
        Should.Throw<RefusedException>(() => Run(Recipe, _ => int.MaxValue))
            .Message.ShouldBe("none of 3 initial weights reached its aim; raise the stage's steps, lower its aim, or try another seed");

    [Fact]
    public void The_loss_is_the_mean_over_all_targets_of_a_batch()
    {
        Run(Recipe, _ => 0);
        reports.Where(r => r.Metrics.ContainsKey("loss")).ShouldAllBe(r => Math.Abs(r.Metrics["loss"] - 2) < 1e-6);
    }

    [Fact]
    public void Kinds_come_in_their_shares_and_no_demonstration_twice()
    {
        Run(Recipe, _ => 0);
        var texts = engines[5].Trained.SelectMany(t => t.Sequences).Select(s => new CharacterTokenizer().Decode(s.Tokens.Span)).ToList();
        texts.Distinct().Count().ShouldBe(texts.Count);
        var second = texts.Skip(2 * 2).ToList();
        second.Count.ShouldBe(400);
        second.Count(t => t.Contains("look;", StringComparison.Ordinal)).ShouldBeInRange(260, 340); // 300 expected, standard deviation 9
    }

    [Fact]
    public void A_kind_the_environment_has_not_is_refused() =>
        Should.Throw<RefusedException>(() => Run(Recipe with { Stages = [Recipe.Stages[1] with { Mix = new Dictionary<string, double> { ["sung"] = 1 } }] }, _ => 0))
            .Message.ShouldBe("stages[0].mix: there are no demonstrations of kind 'sung'; the environment has solved, looked");

    [Theory]
    [InlineData(0, 0.01)]
    [InlineData(99, 1)]
    [InlineData(100, 1)]
    [InlineData(699, 1)]
    [InlineData(999, 0.05)]
    [InlineData(849, 0.525)]
    public void The_step_size_rises_stays_and_falls(int step, double share) =>
        LearningRate.At(new StageSection { Steps = 1000, WarmupSteps = 100, Lr = 2, DecayFrom = 0.7, DecayTo = 0.05 }, step).ShouldBe(2 * share, 1e-9);
}
