using Distributed.Node.Recipes;

namespace Distributed.Node.Tests.Recipes;

public sealed class RecipeWritingTests
{
    [Theory]
    [InlineData("model: {path: m}")]
    [InlineData("model: {path: m}\nalgorithm: grpo")]
    [InlineData("model: {path: m}\nalgorithm: rloo\nloss: {policy_loss: cispo, kl_coef: 0.1}")]
    [InlineData("model: {path: m}\nalgorithm: reinforce++-baseline\nig: {log: true}")]
    [InlineData("model: {path: m}\nalgorithm: {name: gigpo, use_gains: true}")]
    [InlineData("model: {path: m}\nalgorithm: gtpo\nloss: {policy_loss: gspo}")]
    [InlineData("model: {path: m}\nalgorithm: igpo")]
    [InlineData("model: {path: m}\nalgorithm: turn-peer")]
    [InlineData("model: {path: m}\nloss: {policy_loss: ppo_clip}")]
    [InlineData("model: {path: m}\nalgorithm: {variant: released, beta: 0.1}\nmini_batches: 4\nrollout_is: token")]
    [InlineData("model: {shape: {rope_theta: 123456.789}}\nloss: {loss_agg_mode: seq-mean-token-sum-norm, loss_scale_factor: 64}")]
    [InlineData("model: {path: 'a \"b\": #c'}\nenvironment: {assembly: a.dll, type: A.B, options: {'x y': \"line\\nbreak\", n: '1', t: 'true'}}")]
    public void An_effective_recipe_reads_back_the_same_from_another_folder(string yaml)
    {
        var recipe = RecipeFile.ParseTraining(yaml, "/r/x.yaml", []);
        var text = RecipeFile.Write(recipe);
        var again = RecipeFile.ParseTraining(text, "/elsewhere/y.yaml", []);
        RecipeFile.Write(again).ShouldBe(text);
        again.Model.ShouldBe(recipe.Model);
        again.Algorithm.ShouldBe(recipe.Algorithm);
        again.Loss.ShouldBe(recipe.Loss);
        again.Cluster.ShouldBe(recipe.Cluster);
        again.Name.ShouldBe("x");
        again.Environment.Options.ShouldBe(recipe.Environment.Options);
    }

    [Fact]
    public void Shapers_read_back_with_every_option()
    {
        var recipe = RecipeFile.ParseTraining("model: {path: m}\nalgorithm: {name: igpo, shapers: [gated, {name: length, target_tokens: 7}, par]}", "/r/x.yaml", []);
        var again = RecipeFile.ParseTraining(RecipeFile.Write(recipe), "/r/x.yaml", []);
        again.Algorithm.Shapers.ShouldBe([
            new ShaperSection { Name = "gated", Threshold = 1 },
            new ShaperSection { Name = "length", Alpha = 0.5, TargetTokens = 7, EasyAt = 2.0 / 3, HardBelow = 1.0 / 3, CorrectAt = 1 },
            new ShaperSection { Name = "par", Temperature = 1 },
        ]);
    }

    [Fact]
    public void An_effective_warm_start_reads_back_the_same()
    {
        const string yaml = """
            stages:
              - mix: {one_lookup: 1}
                until: {category: 1 look-up, success: 0.9}
              - mix: {one_lookup: 0.5, browsing: 0.5}
                steps: 7
            model: {shape: {}}
            """;
        var recipe = RecipeFile.ParseWarmStart(yaml, "/r/x.yaml", []);
        var text = RecipeFile.Write(recipe);
        var again = RecipeFile.ParseWarmStart(text, "/elsewhere/y.yaml", []);
        RecipeFile.Write(again).ShouldBe(text);
        again.Stages[0].Until.ShouldBe(new AimSection { Category = "1 look-up", Success = 0.9 });
        again.Stages[1].Mix.ShouldBe(recipe.Stages[1].Mix);
        again.Stages[1].Steps.ShouldBe(7);
    }

    [Fact]
    public void A_stage_whose_shares_do_not_sum_to_one_is_refused_with_its_line() =>
        Should.Throw<RefusedException>(() => RecipeFile.ParseWarmStart("stages:\n  - steps: 3\n    mix: {a: 0.5}\n", "x.yaml", []))
            .Message.ShouldBe("x.yaml:3: stages[0].mix sums to 0.5; the shares must sum to 1");

    [Fact]
    public void The_committed_option_reference_is_the_generated_one()
    {
        var committed = File.ReadAllText(Path.Combine(RepositoryFolder.Path, "docs/options.md"));
        (committed == OptionReference.Markdown()).ShouldBeTrue("run: ./distributed options --markdown > docs/options.md");
    }

    [Fact]
    public void Every_option_says_what_it_means() =>
        OptionReference.Lines("").Where(option => option.Meaning.Length < 10).Select(option => option.Path).ShouldBeEmpty();
}
