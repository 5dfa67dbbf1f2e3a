using Spectre.Console;

namespace Distributed.Node.Terminal;

/// <summary>Standard output for pretty texts: colours on a terminal, plain text of a fixed width in a file or pipe.</summary>
internal static class StandardOutput
{
    private const int FileWidth = 140;

    public static IAnsiConsole Open()
    {
        var plain = Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Out = new AnsiConsoleOutput(Console.Out),
        });
        if (plain)
        {
            console.Profile.Width = FileWidth;
        }
        return console;
    }
}
