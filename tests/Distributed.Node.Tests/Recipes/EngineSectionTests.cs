using Distributed.Node.Composition;
using Distributed.Node.Recipes;

namespace Distributed.Node.Tests.Recipes;

public sealed class EngineSectionTests
{
    [Theory]
    [InlineData("managed", "engine: {device: cpu}", "engine.device belongs to torch, not to managed")]
    [InlineData("rollout", "engine: {rollout: fast}", "engine.rollout is 'fast'; write managed, torch or torch@DEVICE")]
    [InlineData("a managed engine on a device", "engine: {scorer: managed@cpu}", "engine.scorer is 'managed@cpu'")]
    [InlineData("name", "engine: cuda", "managed")]
    public void What_does_not_fit_together_is_refused_in_one_line(string what, string section, string words)
    {
        var refusal = Should.Throw<RefusedException>(() => Parse(section), what);
        refusal.Message.ShouldContain(words);
        refusal.Message.ShouldStartWith("/r/x.yaml");
        refusal.Message.ShouldNotContain("\n");
    }

    [Fact]
    public void Torch_is_there_or_the_refusal_says_what_to_type()
    {
        var engine = Parse("engine: {name: torch, device: cpu}").Engine;
        if (TorchEngines.Complaint(null) is null)
        {
            EngineChecks.CheckHere(engine, ["learner", "rollout", "scorer"]);
            return;
        }

        var refusal = Should.Throw<RefusedException>(() => EngineChecks.CheckHere(engine, ["learner"]));
        refusal.Message.ShouldStartWith("engine of the learner: ");
        refusal.Message.ShouldContain("docs/gpu.md");
        refusal.Message.ShouldNotContain("\n");
    }

    [Fact]
    public void A_device_that_is_not_there_is_refused_where_it_would_compute_and_nowhere_else()
    {
        var engine = Parse("engine: {name: managed, scorer: 'torch@cuda:4000'}").Engine;
        EngineChecks.CheckHere(engine, ["learner", "rollout"]);
        Should.Throw<RefusedException>(() => EngineChecks.CheckHere(engine, ["scorer"])).Message.ShouldNotContain("\n");
    }

    [Fact]
    public void Auto_is_settled_in_the_effective_recipe()
    {
        var engine = Parse("engine: auto").Engine;
        engine.Name.ShouldBe(TorchEngines.HasCuda ? "torch" : "managed");
        engine.Device.ShouldBe(TorchEngines.HasCuda ? "cuda" : null);
    }

    [Fact]
    public void A_role_may_have_an_engine_of_its_own()
    {
        var section = new EngineSection { Name = "torch", Device = "cuda:0", Dtype = "bfloat16", PassTokens = 99, Rollout = "managed", Scorer = "torch@cuda:1" };
        EngineChoice.Of(section, "rollout").ShouldBe(EngineChoice.Managed);
        EngineChoice.Of(section, "scorer").ShouldBe(new EngineChoice("torch", "cuda:1", "bfloat16", 99));
        EngineChoice.Of(section, "learner").ShouldBe(new EngineChoice("torch", "cuda:0", "bfloat16", 99));
        EngineChoice.Of(new EngineSection(), "learner").ShouldBe(EngineChoice.Managed);
    }

    [Fact]
    public void A_worker_may_overrule_its_recipe()
    {
        var recipe = new EngineChoice("torch", "cuda:1", "bfloat16", 99);
        recipe.With(null, null).ShouldBe(recipe);
        recipe.With(null, "cpu").ShouldBe(recipe with { Device = "cpu" });
        recipe.With("managed", null).ShouldBe(EngineChoice.Managed);
        EngineChoice.Managed.With("torch", "cuda:0").ShouldBe(new EngineChoice("torch", "cuda:0"));
        EngineChoice.Managed.With("auto", null).Name.ShouldBe(TorchEngines.HasCuda ? "torch" : "managed");
        Should.Throw<RefusedException>(() => EngineChoice.Managed.With(null, "cuda")).Message.ShouldContain("--device is for torch");
        Should.Throw<RefusedException>(() => EngineChoice.Managed.With("fast", null)).Message.ShouldContain("'fast'");
    }

    private static Recipe Parse(string section) => RecipeFile.ParseTraining($"model: {{path: m}}\n{section}\n", "/r/x.yaml", []);
}
