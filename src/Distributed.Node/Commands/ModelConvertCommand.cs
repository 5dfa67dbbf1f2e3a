using System.CommandLine;
using Distributed.Engine.Formats;
using Distributed.Node.Composition;
using Distributed.Node.Models;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model convert</c>: a folder with other weight types or files, or with an adapter merged in.</summary>
internal static class ModelConvertCommand
{
    private const long BytesPerMegabyte = 1 << 20;

    public static Command Create()
    {
        var folder = ModelCommand.FolderOption();
        var target = new Option<string>("--out") { Description = "The folder to write; it must be new or empty.", Required = true };
        var type = new Option<string?>("--type") { Description = "Type of all weights: f32, bf16 or f16. Left out: as they are." };
        type.AcceptOnlyFromAmong("f32", "bf16", "f16");
        var shard = new Option<int>("--shard-mib") { Description = "Most MiB of tensors in one file; 0 writes one file." };
        var adapter = new Option<string?>("--adapter") { Description = "The folder of a low-rank adapter (PEFT's layout) to merge into the weights." };
        var command = new Command("convert", "Write a model folder anew: another type of weights, other files, an adapter merged in.") { folder, target, type, shard, adapter };
        command.SetAction(parsed => Convert(parsed.GetValue(folder)!, parsed.GetValue(target)!, new ConversionOptions
        {
            Type = parsed.GetValue(type) is { } name ? Enum.Parse<WeightType>(name, ignoreCase: true) : null,
            MostShardBytes = parsed.GetValue(shard) * BytesPerMegabyte,
            Adapter = parsed.GetValue(adapter),
        }));
        return command;
    }

    private static int Convert(string from, string to, ConversionOptions options)
    {
        var result = Refusals.Of(() => ModelConversion.Convert(from, to, options));
        OutputJson.Print(json =>
        {
            json.WriteStartObject();
            json.WriteString("folder", to);
            json.WriteString("type", result.Type.ToString());
            json.WriteNumber("bytes", result.Bytes);
            json.WriteNumber("merged_matrices", result.MergedMatrices);
            json.WriteStartArray("files");
            foreach (var file in result.Files)
                json.WriteStringValue(file);
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return 0;
    }
}
