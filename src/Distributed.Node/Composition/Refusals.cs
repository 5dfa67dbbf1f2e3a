using Distributed.Engine.Formats;
using Distributed.Engine.Templates;
using Distributed.Engine.Tokenizers;
using Distributed.Environments;

namespace Distributed.Node.Composition;

/// <summary>What other parts refuse in their own words becomes the command's one line.</summary>
internal static class Refusals
{
    /// <summary>Runs a step of composition.</summary>
    /// <exception cref="RefusedException">Another part refused its input.</exception>
    public static T Of<T>(Func<T> step)
    {
        try
        {
            return step();
        }
        catch (Exception error) when (error is ModelFormatException or TokenizerFileException or TemplateException or EnvironmentSetupException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(error.Message, error);
        }
    }
}
