using System.Text.Json.Nodes;
using Distributed.Engine.Formats;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Model;

namespace Distributed.Engine.Tests.Formats;

/// <summary>Configurations as other versions and models write them: honoured, or refused with the key.</summary>
public sealed class ConfigVariationTests
{
    [Theory]
    [InlineData("attention_bias", "true", "attention_bias is true")]
    [InlineData("mlp_bias", "true", "mlp_bias is true")]
    [InlineData("layer_types", """["full_attention","sliding_attention"]""", "layer_types[1] is sliding_attention")]
    [InlineData("quantization_config", """{"bits":4}""", "quantization_config is set")]
    [InlineData("partial_rotary_factor", "0.5", "partial_rotary_factor must be 1")]
    [InlineData("rope_parameters", """{"rope_type":"default","rope_theta":5e5,"partial_rotary_factor":0.25}""", "partial_rotary_factor must be 1")]
    [InlineData("rope_scaling", """{"type":"linear","factor":2}""", "rope_type 'linear'")]
    [InlineData("rope_scaling", """{"rope_type":"dynamic","factor":2}""", "rope_type 'dynamic'")]
    [InlineData("rope_parameters", """{"full_attention":{"rope_type":"default"}}""", "lacks a rope_type")]
    [InlineData("rope_theta", "\"1e4\"", "rope_theta must be a number")]
    [InlineData("num_key_value_heads", "0", "num_key_value_heads is 0")]
    [InlineData("max_position_embeddings", "99999999999", "max_position_embeddings must be a whole number")]
    [InlineData("tie_word_embeddings", "\"no\"", "tie_word_embeddings must be true or false")]
    public void What_the_engine_does_not_do_is_refused_with_the_key(string key, string value, string words) =>
        Should.Throw<ModelFormatException>(() => Parse("llama", config => config[key] = JsonNode.Parse(value))).Message.ShouldContain(words);

    [Fact]
    public void Newer_files_keep_the_rotary_base_elsewhere_and_list_layer_types()
    {
        var config = Parse("qwen3", json =>
        {
            json.Remove("rope_theta");
            json.Remove("rope_scaling");
            json["rope_parameters"] = JsonNode.Parse("""{"rope_type":"default","rope_theta":123456.0}""");
            json["layer_types"] = JsonNode.Parse("""["full_attention","full_attention"]""");
            json["dtype"] = "bfloat16";
        });
        config.RopeTheta.ShouldBe(123456);
        config.RopeScaling.ShouldBeNull();

        Parse("llama3", json =>
        {
            json["rope_parameters"] = json["rope_scaling"]!.DeepClone();
            json["rope_parameters"]!["rope_theta"] = 9e5;
            json.Remove("rope_scaling");
            json.Remove("rope_theta");
        }).ShouldSatisfyAllConditions(c => c.RopeTheta.ShouldBe(9e5), c => c.RopeScaling.ShouldBe(new Llama3RopeScaling(8, 1, 4, 64)));
    }

    [Fact]
    public void Keys_that_are_left_out_mean_what_they_mean_to_Hugging_Face()
    {
        Parse("qwen3", json => json.Remove("head_dim")).HeadSize.ShouldBe(128);
        Parse("llama", json => json.Remove("head_dim")).HeadSize.ShouldBe(16);
        Parse("llama", json => json.Remove("num_key_value_heads")).KeyValueHeads.ShouldBe(4);
        Parse("qwen2", json => json["num_key_value_heads"] = null).KeyValueHeads.ShouldBe(6);
        Parse("llama", json => json.Remove("rope_theta")).RopeTheta.ShouldBe(10000);
        Parse("llama", json => json.Remove("rms_norm_eps")).NormEpsilon.ShouldBe(1e-6f);
        Parse("llama", json => json.Remove("tie_word_embeddings")).TiedHead.ShouldBeFalse();
        Parse("llama", json => json["eos_token_id"] = JsonNode.Parse("[1,2]")).EndTokens.ShouldBe([1, 2]);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(1e6)]
    public void Another_rotary_base_turns_by_other_angles(double theta)
    {
        var config = Parse("llama", json => json["rope_theta"] = theta);
        var frequencies = RotaryTable.InverseFrequencies(config);
        for (var i = 0; i < 8; i++)
            ((double)frequencies[i]).ShouldBe(Math.Pow(theta, -2.0 * i / 16), 1e-6);
    }

    [Fact]
    public void A_tied_model_whose_file_holds_the_head_too_loads_if_it_is_a_copy_and_is_refused_if_not()
    {
        using var folder = new TemporaryFolder();
        using var tied = ModelFolder.Load(Path.Combine(ModelFixture.Root, "qwen2"));
        using var both = new ModelWeights(tied.Config with { TiedHead = false });
        tied.Span.CopyTo(both.Span);
        tied.Tensor("model.embed_tokens.weight").CopyTo(both.Tensor("lm_head.weight"));
        ModelFolder.Save(folder.Path, both);
        Tie(folder);
        using (var again = ModelFolder.Load(folder.Path))
            again.Span.SequenceEqual(tied.Span).ShouldBeTrue();

        both.Tensor("lm_head.weight")[3] += 1;
        ModelFolder.Save(folder.Path, both);
        Tie(folder);
        Should.Throw<ModelFormatException>(() => ModelFolder.Load(folder.Path)).Message.ShouldContain("head is tied, yet this one differs");

        ModelFolder.Save(folder.Path, tied);
        Edit(folder, json => json["tie_word_embeddings"] = false);
        Should.Throw<ModelFormatException>(() => ModelFolder.Load(folder.Path)).Message.ShouldContain("must say tie_word_embeddings: true");
    }

    private static void Tie(TemporaryFolder folder) => Edit(folder, json => json["tie_word_embeddings"] = true);

    private static void Edit(TemporaryFolder folder, Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        edit(json);
        File.WriteAllText(folder["config.json"], json.ToJsonString());
    }

    private static ModelConfig Parse(string name, Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(ModelFixture.Root, name, "config.json")))!.AsObject();
        edit(json);
        return ConfigFile.Parse("config.json", System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()));
    }
}
