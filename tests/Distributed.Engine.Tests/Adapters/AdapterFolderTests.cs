using System.Text.Json.Nodes;
using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Formats;
using Distributed.Engine.Tests.Model;

namespace Distributed.Engine.Tests.Adapters;

public sealed class AdapterFolderTests
{
    private static readonly string s_qwen2 = Path.Combine(ModelFixture.Root, "qwen2");
    private static readonly ModelConfig s_config = ConfigFile.Load(Path.Combine(s_qwen2, "config.json"));

    [Fact]
    public void An_adapter_that_is_saved_loads_as_it_was()
    {
        using var folder = new TemporaryFolder();
        var options = AdapterFixture.Everywhere with { Layers = [0, 2], RankStabilized = true };
        var adapter = AdapterFixture.Noise(s_config, options, 1);
        adapter.Save(folder.Path, s_config, "some/model");
        var again = LowRankAdapter.Load(folder.Path, s_config);
        again.Weights.Span.SequenceEqual(adapter.Weights.Span).ShouldBeTrue();
        again.Options.ShouldSatisfyAllConditions(
            o => o.Rank.ShouldBe(3), o => o.Alpha.ShouldBe(5), o => o.RankStabilized.ShouldBeTrue(), o => o.TargetModules.ShouldBe(options.TargetModules),
            o => o.Layers.ShouldBe([0, 2]), o => o.RankPattern.ShouldBe(options.RankPattern), o => o.AlphaPattern.ShouldBe(options.AlphaPattern));
        Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order().ShouldBe(["adapter_config.json", "adapter_model.safetensors"]);
    }

    [Fact]
    public void Names_shapes_and_configuration_are_those_of_PEFT()
    {
        using var folder = new TemporaryFolder();
        LowRankAdapter.Random(s_config, new LoraOptions { Rank = 4, Alpha = 8, TargetModules = ["q_proj", "down_proj"] }, 1).Save(folder.Path, s_config, "base");
        using var file = SafetensorsFile.Open(folder["adapter_model.safetensors"]);
        file.Entries.Count.ShouldBe(3 * 2 * 2);
        file.Entries["base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"].Shape.ShouldBe([4, 96]);
        file.Entries["base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"].Shape.ShouldBe([96, 4]);
        file.Entries["base_model.model.model.layers.2.mlp.down_proj.lora_A.weight"].Shape.ShouldBe([4, 224]);
        file.Entries["base_model.model.model.layers.2.mlp.down_proj.lora_B.weight"].Shape.ShouldBe([96, 4]);

        var config = JsonNode.Parse(File.ReadAllText(folder["adapter_config.json"]))!.AsObject();
        config["peft_type"]!.GetValue<string>().ShouldBe("LORA");
        config["task_type"]!.GetValue<string>().ShouldBe("CAUSAL_LM");
        config["r"]!.GetValue<int>().ShouldBe(4);
        config["lora_alpha"]!.GetValue<double>().ShouldBe(8);
        config["lora_dropout"]!.GetValue<double>().ShouldBe(0);
        config["bias"]!.GetValue<string>().ShouldBe("none");
        config["base_model_name_or_path"]!.GetValue<string>().ShouldBe("base");
        config["target_modules"]!.AsArray().Select(node => node!.GetValue<string>()).ShouldBe(["q_proj", "down_proj"]);
    }

    [Fact]
    public void A_new_adapter_changes_nothing_and_begins_as_PEFTs_does()
    {
        var options = new LoraOptions { Rank = 8, TargetModules = LoraOptions.KnownModules };
        using var adapter = LowRankAdapter.Random(s_config, options, 7).ToWeights(s_config);
        foreach (var matrix in adapter.Layout.Matrices)
        {
            adapter.Span.Slice((int)matrix.B, matrix.Outputs * matrix.Rank).ToArray().ShouldAllBe(v => v == 0);
            var a = adapter.Span.Slice((int)matrix.A, matrix.Rank * matrix.Inputs).ToArray();
            var bound = 1 / Math.Sqrt(matrix.Inputs);
            a.ShouldAllBe(v => Math.Abs(v) <= bound);
            a.Average(v => (double)v * v).ShouldBe(bound * bound / 3, 0.15 * bound * bound);
        }

        LowRankAdapter.Random(s_config, options, 7).Weights.Span.SequenceEqual(LowRankAdapter.Random(s_config, options, 7).Weights.Span).ShouldBeTrue();
        LowRankAdapter.Random(s_config, options, 7).Weights.Span.SequenceEqual(LowRankAdapter.Random(s_config, options, 8).Weights.Span).ShouldBeFalse();
    }

    [Fact]
    public void A_conversion_merges_an_adapter()
    {
        using var folder = new TemporaryFolder();
        var adapter = AdapterFixture.Noise(s_config, AdapterFixture.Everywhere, 3);
        adapter.Save(folder["adapter"], s_config, null);
        var written = ModelConversion.Convert(s_qwen2, folder["merged"], new ConversionOptions { Adapter = folder["adapter"] });
        written.MergedMatrices.ShouldBe(3 * 7);
        using var merged = ModelFolder.Load(folder["merged"]);
        using var wanted = ModelFolder.Load(s_qwen2);
        wanted.Span.SequenceEqual(merged.Span).ShouldBeFalse();
        using var weights = adapter.ToWeights(s_config);
        weights.MergeInto(wanted);
        wanted.Span.SequenceEqual(merged.Span).ShouldBeTrue();
    }

    [Theory]
    [InlineData("peft_type", "\"IA3\"", "is 'IA3'; the engine knows LORA")]
    [InlineData("peft_type", "null", "peft_type is missing")]
    [InlineData("use_dora", "true", "use_dora is true")]
    [InlineData("bias", "\"all\"", "bias must be 'none'")]
    [InlineData("fan_in_fan_out", "true", "fan_in_fan_out is true")]
    [InlineData("modules_to_save", "[\"lm_head\"]", "modules_to_save is set")]
    [InlineData("exclude_modules", "\"x\"", "exclude_modules is set")]
    [InlineData("init_lora_weights", "\"pissa\"", "may have changed the base model")]
    [InlineData("r", "0", "r is 0")]
    [InlineData("r", "-3", "r is -3")]
    [InlineData("r", "\"8\"", "r must be a whole number")]
    [InlineData("lora_alpha", "0", "lora_alpha must be")]
    [InlineData("target_modules", "[]", "target_modules must be a list")]
    [InlineData("target_modules", "[\"lm_head\"]", "target_modules has 'lm_head'")]
    [InlineData("target_modules", "\"all-linear\"", "target_modules must be a list")]
    [InlineData("layers_to_transform", "[7]", "layers_to_transform has 7")]
    [InlineData("rank_pattern", "{\"q_proj\":2.5}", "rank_pattern.q_proj must be a whole number")]
    [InlineData("r", "5", "has shape [4, 96], adapter_config.json and the model ask for [5, 96]")]
    [InlineData("target_modules", "[\"q_proj\",\"k_proj\"]", "k_proj.lora_A.weight' is missing")]
    [InlineData("target_modules", "[\"k_proj\"]", "q_proj.lora_A.weight' is not one that")]
    public void An_adapter_the_engine_cannot_honour_is_refused_with_its_key(string key, string value, string words)
    {
        using var folder = new TemporaryFolder();
        LowRankAdapter.Random(s_config, new LoraOptions { Rank = 4, TargetModules = ["q_proj"] }, 1).Save(folder.Path, s_config, null);
        var config = JsonNode.Parse(File.ReadAllText(folder["adapter_config.json"]))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["adapter_config.json"], config.ToJsonString());
        var message = Should.Throw<ModelFormatException>(() => LowRankAdapter.Load(folder.Path, s_config)).Message;
        message.ShouldContain(words);
        message.ShouldContain("adapter_");
        message.ShouldNotContain("\n");
    }

    [Fact]
    public void Missing_files_are_named()
    {
        Should.Throw<ModelFormatException>(() => LowRankAdapter.Load("/nowhere/at/all", s_config)).Message.ShouldStartWith("/nowhere/at/all");
        using var folder = new TemporaryFolder();
        Should.Throw<ModelFormatException>(() => LowRankAdapter.Load(folder.Path, s_config)).Message.ShouldContain("adapter_config.json: cannot be read");
    }
}
