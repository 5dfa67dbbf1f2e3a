using System.CommandLine;
using Distributed.Node.Recipes;

namespace Distributed.Node.Commands;

/// <summary><c>distributed options</c>: every option of a recipe.</summary>
internal static class OptionsCommand
{
    public static Command Create()
    {
        var filter = new Argument<string>("filter") { Description = "Show options whose name contains this.", DefaultValueFactory = _ => "" };
        var markdown = new Option<bool>("--markdown") { Description = "The whole reference as Markdown (docs/options.md)." };
        var command = new Command("options", "List the options of a recipe, with defaults and meaning.") { filter, markdown };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(markdown))
            {
                Console.Out.Write(OptionReference.Markdown());
                return 0;
            }
            var lines = OptionReference.Lines(parsed.GetValue(filter)!).ToList();
            foreach (var (path, value, meaning) in lines)
            {
                Console.Out.WriteLine($"{path} (default {value.Replace("`", "", StringComparison.Ordinal)})");
                Console.Out.WriteLine($"    {meaning.Replace("`", "", StringComparison.Ordinal)}");
            }
            return lines.Count > 0
                ? 0
                : throw new RefusedException($"no option's name contains '{parsed.GetValue(filter)}'; `distributed options` lists all");
        });
        return command;
    }
}
