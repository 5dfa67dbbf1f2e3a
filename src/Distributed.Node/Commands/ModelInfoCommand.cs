using System.CommandLine;
using Distributed.Engine.Formats;
using Distributed.Engine.Templates;
using Distributed.Engine.Tokenizers;
using Distributed.Node.Composition;
using Distributed.Node.Models;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model info</c>: shape, files and tokenizer of a folder, without reading its weights.</summary>
internal static class ModelInfoCommand
{
    public static Command Create()
    {
        var folder = ModelCommand.FolderOption();
        var tensors = new Option<bool>("--tensors") { Description = "List every tensor too." };
        var command = new Command("info", "Shape, weight files, tokenizer and chat template of a folder; the weights are not read.") { folder, tensors };
        command.SetAction(parsed => Print(parsed.GetValue(folder)!, parsed.GetValue(tensors)));
        return command;
    }

    private static int Print(string folder, bool withTensors)
    {
        var model = Refusals.Of(() => ModelDescription.Read(folder));
        var tokenizer = File.Exists(Path.Combine(folder, ModelEngine.TokenizerName)) ? Refusals.Of(() => Tokenizer.Load(Path.Combine(folder, ModelEngine.TokenizerName))) : null;
        OutputJson.Print(
            json =>
            {
                var config = model.Config;
                json.WriteStartObject();
                json.WriteString("folder", folder);
                json.WriteString("family", model.Family);
                json.WriteNumber("parameters", model.Parameters);
                json.WriteNumber("bytes", model.Bytes);
                json.WriteNumber("float32_bytes", model.Float32Bytes);
                json.WriteStartObject("parameters_by_type");
                foreach (var (type, count) in model.ParametersByType)
                    json.WriteNumber(type, count);
                json.WriteEndObject();
                json.WriteNumber("hidden_size", config.HiddenSize);
                json.WriteNumber("layers", config.Layers);
                json.WriteNumber("heads", config.Heads);
                json.WriteNumber("key_value_heads", config.KeyValueHeads);
                json.WriteNumber("head_size", config.HeadSize);
                json.WriteNumber("intermediate_size", config.IntermediateSize);
                json.WriteNumber("vocabulary_size", config.VocabularySize);
                json.WriteNumber("max_positions", config.MaxPositions);
                json.WriteNumber("rope_theta", config.RopeTheta);
                json.WriteBoolean("tied_head", config.TiedHead);
                json.WriteIds("end_tokens", [.. config.EndTokens]);
                json.WriteStartArray("files");
                foreach (var shard in model.Shards)
                {
                    json.WriteStartObject();
                    json.WriteString("name", shard.Name);
                    json.WriteNumber("bytes", shard.Bytes);
                    json.WriteNumber("tensors", shard.Tensors);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                if (tokenizer is null)
                    json.WriteNull("tokenizer_size");
                else
                    json.WriteNumber("tokenizer_size", tokenizer.VocabularySize);
                json.WriteString("chat_template", TemplateState(folder));
                if (withTensors)
                {
                    json.WriteStartArray("tensors");
                    foreach (var tensor in model.Tensors)
                    {
                        json.WriteStartObject();
                        json.WriteString("name", tensor.Name);
                        json.WriteString("type", tensor.Type);
                        json.WriteStartArray("shape");
                        foreach (var size in tensor.Shape)
                            json.WriteNumberValue(size);
                        json.WriteEndArray();
                        json.WriteString("file", tensor.File);
                        json.WriteEndObject();
                    }

                    json.WriteEndArray();
                }

                json.WriteEndObject();
            },
            indented: true);
        return 0;
    }

    private static string TemplateState(string folder)
    {
        try
        {
            ChatTemplateFile.Read(folder, withTools: false);
            return "ok";
        }
        catch (TemplateException error)
        {
            return error.Message;
        }
    }
}
