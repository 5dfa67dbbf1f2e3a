using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Node.Checkpoints;
using Distributed.Node.Commands;
using Distributed.Node.Recipes;

namespace Distributed.Node.Tests.Lora;

/// <summary>A run that trains a low-rank adapter on a folder's model.</summary>
[Collection(nameof(Console))]
public sealed class LoraRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_with_an_adapter_keeps_it_in_PEFTs_form_beside_the_merged_model_and_can_go_on()
    {
        var baseModel = Path.Combine(RepositoryFolder.Path, "recipes", "warm-start", "search-qa");
        var before = File.ReadAllBytes(Path.Combine(baseModel, "model.safetensors"));
        File.WriteAllText(folder["lora.yaml"], $"""
            steps: 1
            prompts_per_step: 2
            group_size: 4
            model: {baseModel}
            algorithm: grpo
            lora:
              rank: 2
              alpha: 4
              target_modules: [q_proj, down_proj]
            optimizer:
              lr: 0.01
              warmup_steps: 0
            checkpoint:
              every_steps: 1
            evaluation:
              questions: 4
              untrained: false
            """);
        CommandLine.Run(["train", folder["lora.yaml"], "--out", folder["run"]], CancellationToken.None).ShouldBe(0);
        CommandLine.Run(["train", "--resume", folder["run"]], CancellationToken.None).ShouldBe(0);

        File.ReadAllBytes(Path.Combine(baseModel, "model.safetensors")).ShouldBe(before);
        var (version, checkpoint) = CheckpointDirectory.List(Path.Combine(folder["run"], "checkpoints"))[0];
        version.ShouldBe(1);
        var model = CheckpointDirectory.ModelOf(checkpoint);
        var (config, weights) = ModelFiles.Read(baseModel);
        var adapter = LowRankAdapter.Load(Path.Combine(model, "adapter"), config);
        adapter.Options.Rank.ShouldBe(2);
        adapter.Options.TargetModules.ShouldBe(["q_proj", "down_proj"]);
        var merged = ModelFiles.Read(model).Weights;
        merged.Length.ShouldBe(weights.Length);
        merged.AsSpan().SequenceEqual(weights).ShouldBeFalse();
        ModelConversion.Merge(baseModel, folder["again"], adapter);
        ModelFiles.Read(folder["again"]).Weights.AsSpan().SequenceEqual(merged).ShouldBeTrue();
        new FileInfo(Path.Combine(checkpoint, "optimizer.safetensors")).Length.ShouldBeInRange(2 * adapter.Weights.Length, (2 * adapter.Weights.Length) + 8192);
    }

    [Theory]
    [InlineData("model: {shape: {hidden_size: 64}}\nlora: {rank: 2}\n", "lora adapts a model that knows something already")]
    [InlineData("model: m\nlora: {rank: 0}\n", "lora.rank cannot be 0")]
    [InlineData("model: m\nlora: {target_modules: [lm_head]}\n", "lora.target_modules")]
    [InlineData("model: m\nlora: {target_modules: []}\n", "lora.target_modules")]
    [InlineData("model: m\nlora: {storage: int4}\n", "lora.storage")]
    public void What_cannot_be_is_refused_with_its_line(string yaml, string words) =>
        Should.Throw<RefusedException>(() => RecipeFile.ParseTraining(yaml, "r.yaml", [])).Message.ShouldContain(words);
}
